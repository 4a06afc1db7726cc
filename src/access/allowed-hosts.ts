import { isIP } from "node:net";
import { RefusedError } from "../errors.ts";
import { type Authority, defaultPort, parseAuthority } from "../web-origin.ts";
import type { Visitor } from "./visitor.ts";

const everyHost = "*";
const loopbackHosts = ["localhost", "127.0.0.1", "[::1]"];
/** Whatever leads to this machine alone, as {@link canonical} writes it; IPv4 may stand in IPv6. */
const loopbackPattern = /^(?:localhost|127\.[\d.]+|\[::1\]|\[::ffff:7f[\da-f]{2}:[\da-f]{1,4}\])$/;

/**
 * The hosts that a server is asked for which only this machine can reach; undefined where others can reach it, too. `addresses`
 * are what it listens on.
 */
export function hostsOfLoopback(addresses: readonly string[]): string[] | undefined {
  if (addresses.length === 0 || !addresses.every(isLoopback)) return undefined;
  const own = addresses.map(canonical);
  return [...new Set([...loopbackHosts, ...own])];
}

/** The system also takes shorter ways to write an address, such as 127.1. */
function isLoopback(address: string): boolean {
  return isIP(address) === 4 ? address.startsWith("127.") : loopbackPattern.test(canonical(address));
}

function withBrackets(address: string): string {
  return isIP(address) === 6 ? `[${address}]` : address;
}

/**
 * The hosts that a server answers for. A page of the web can make its own name lead to this machine, and then ask as it
 * likes (DNS rebinding), but the browser still tells that name.
 */
export class AllowedHosts {
  readonly #allowed: ReadonlySet<string> | undefined;
  readonly #isForAll: boolean;
  /** Who was asked for last, as written and as read: nearly all ask for the same. */
  #last: { readonly host: string; readonly asked: Authority | undefined } = { host: "", asked: undefined };

  /**
   * Hosts with or without a port, or `*`. Where there is no list, those that are implied take its place for whoever comes over
   * loopback: all others, such as a proxy at a unix socket, may ask for any host.
   */
  constructor(list: readonly string[] | undefined, implied?: readonly string[]) {
    const hosts = list ?? implied;
    this.#allowed = hosts === undefined || hosts.includes(everyHost) ? undefined : new Set(hosts.map(canonical));
    this.#isForAll = list !== undefined;
  }

  /** `localAddress` is where the client has connected to. @throws RefusedError 403 */
  check({ host, scheme }: Visitor, hasHost: boolean, localAddress = ""): void {
    // No browser leaves it out.
    if (this.#allowed === undefined || !hasHost) return;
    if (!this.#isForAll && !isLoopback(localAddress)) return;
    const asked = this.#read(host);
    if (asked !== undefined && this.#has(this.#allowed, asked, scheme)) return;
    // No name was made to lead here where there is none: probes and scrapers ask by address.
    if (asked !== undefined && asked.host === parseAuthority(withBrackets(localAddress))?.host) return;
    const name = asked === undefined ? "this host" : asked.host;
    throw new RefusedError(
      403,
      `${name} is not among the hosts that this server answers for; ` +
        `if it should be, start the server with --allowhost ${asked?.host ?? "<HOST>"}, or with --allowhost '*' for all`,
    );
  }

  #read(host: string): Authority | undefined {
    if (host !== this.#last.host) this.#last = { host, asked: parseAuthority(host) };
    return this.#last.asked;
  }

  #has(allowed: ReadonlySet<string>, { host, port }: Authority, scheme: string): boolean {
    return allowed.has(host) || allowed.has(`${host}:${port || defaultPort(scheme)}`);
  }
}

function canonical(entry: string): string {
  const { host, port } = parseAuthority(withBrackets(entry)) ?? { host: entry, port: "" };
  return port === "" ? host : `${host}:${port}`;
}
