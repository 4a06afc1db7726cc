import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";
import type { JoinRequest } from "../join-request.ts";
import { highestPort } from "../web-origin.ts";
import { plainAddress } from "./visitor.ts";

/** What a proxy says of whoever has asked it. */
export interface Hop {
  /** Empty where the proxy hides it or does not say. */
  readonly address: string;
  /** 0 where the proxy does not say. */
  readonly port: number;
  readonly scheme: JoinRequest["scheme"] | undefined;
  readonly host: string | undefined;
}

const nobody = { address: "", port: 0 };

const schemes = new Map<string | undefined, JoinRequest["scheme"]>([
  ["http", "http"],
  ["ws", "http"],
  ["https", "https"],
  ["wss", "https"],
]);

/**
 * One pair of RFC 7239 section 4. Unquoted values may have colons and brackets too: proxies write addresses so, and nothing
 * else is meant by them.
 */
const pairPattern =
  /[ \t]*(?:([!#$%&'*+.^`|~\w-]+)=(?:([!#$%&'*+.^`|~\w:[\]-]+)|"((?:[^"\\]|\\.)*)")[ \t]*)?(?:([;,])|$)/y;

/** Reads a `Forwarded` header, from the client on; undefined where it is none. */
export function parseForwarded(text: string): Hop[] | undefined {
  const hops: Hop[] = [];
  let pairs = new Map<string, string>();
  pairPattern.lastIndex = 0;
  for (let separator: string | undefined = ","; separator !== undefined;) {
    const match = pairPattern.exec(text);
    if (match === null) return undefined;
    const [, name, unquoted, quoted] = match;
    const known = pairs.size;
    if (name !== undefined) pairs.set(name.toLowerCase(), unquoted ?? (quoted ?? "").replaceAll(/\\(.)/g, "$1"));
    // Each may be there once in an element.
    if (name !== undefined && pairs.size === known) return undefined;
    separator = match[4];
    if (separator === ";") continue;
    if (pairs.size > 0) hops.push(hopOf(pairs));
    pairs = new Map();
  }
  return hops;
}

function hopOf(pairs: ReadonlyMap<string, string>): Hop {
  return {
    ...parseNode(pairs.get("for") ?? ""),
    scheme: schemes.get(pairs.get("proto")?.toLowerCase()),
    host: pairs.get("host") || undefined,
  };
}

/**
 * Reads the `X-Forwarded-*` headers, from the client on. Of schemes and hosts the last is taken, which the nearest proxy has
 * written: a client may have written those before it.
 */
export function readForwardedHeaders(headers: IncomingHttpHeaders): Hop[] {
  const scheme = schemes.get(valuesOf(headers["x-forwarded-proto"]).at(-1)?.toLowerCase());
  const host = valuesOf(headers["x-forwarded-host"]).at(-1);
  const nodes = valuesOf(headers["x-forwarded-for"]).map(parseNode);
  const nearest = { ...(nodes.pop() ?? nobody), scheme, host };
  return [...nodes.map(({ address, port }) => ({ address, port, scheme: undefined, host: undefined })), nearest];
}

function valuesOf(header: string | readonly string[] | undefined): string[] {
  const values = String(header ?? "").split(",");
  return values.map((value) => value.trim()).filter((value) => value !== "");
}

/** An address with or without a port (RFC 7239 section 6); IPv6 has brackets, or no port. */
function parseNode(text: string): { readonly address: string; readonly port: number } {
  if (isIP(text) !== 0) return { address: plainAddress(text), port: 0 };
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*))(?::(?:(\d{1,5})|_[\w.-]+))?$/.exec(text) ?? [];
  const address = bracketed ?? plain ?? "";
  if (isIP(address) !== (bracketed === undefined ? 4 : 6)) return nobody;
  const port = Number(digits ?? 0);
  return { address: plainAddress(address), port: port <= highestPort ? port : 0 };
}
