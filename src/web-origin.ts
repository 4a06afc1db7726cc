/** A host and, where it was written, a port: what stands in a `Host` header. */
export interface Authority {
  /** As browsers write it: small letters, IDN as punycode, IPv6 in brackets. */
  readonly host: string;
  /** Empty where none was written. */
  readonly port: string;
}

/** Ports that are left out where a scheme has them; only of schemes that are known here is anything left out. */
const defaultPorts = new Map([
  ["http", "80"],
  ["https", "443"],
]);

/** No path, user or blanks, and nothing that could be read in another way by somebody else: `%`, `\`. */
const authorityPattern = /^(\[[0-9A-Fa-f:.]+\]|[^\s\p{Cc}/\\?#@:[\]%*<>^|,;"']+)(?::(\d{1,5}))?$/u;
const schemePattern = /^[a-z][a-z0-9+.-]*$/;
/** TCP has no higher ones. */
export const highestPort = 65_535;

/** The port that is meant without one; empty where that is not known. */
export function defaultPort(scheme: string): string {
  return defaultPorts.get(scheme) ?? "";
}

/** Reads a host with or without a port; undefined where it is neither. */
export function parseAuthority(text: string): Authority | undefined {
  const [, written, digits = ""] = authorityPattern.exec(text) ?? [];
  if (written === undefined || Number(digits) > highestPort) return undefined;
  const host = canonicalHost(written);
  return host === undefined ? undefined : { host, port: digits === "" ? "" : String(Number(digits)) };
}

/**
 * An origin (RFC 6454) in the one way to write it, with its port also where that is the usual one: two origins are the same
 * when these texts are. Undefined where it is none: with a path, or without a scheme.
 */
export function canonicalOrigin(text: string): string | undefined {
  const separator = text.indexOf("://");
  const scheme = text.slice(0, Math.max(separator, 0)).toLowerCase();
  const authority = parseAuthority(text.slice(separator + "://".length));
  if (!schemePattern.test(scheme) || authority === undefined) return undefined;
  return `${scheme}://${authority.host}:${authority.port || defaultPort(scheme)}`;
}

/** What a browser makes of the name of a host. */
function canonicalHost(written: string): string | undefined {
  try {
    return new URL(`http://${written}/`).hostname;
  } catch {
    return undefined;
  }
}
