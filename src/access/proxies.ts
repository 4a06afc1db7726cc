import type { IncomingHttpHeaders } from "node:http";
import { compile } from "proxy-addr";
import { RefusedError } from "../errors.ts";
import { defaultPort, parseAuthority } from "../web-origin.ts";
import { type Hop, parseForwarded, readForwardedHeaders } from "./forwarded.ts";
import type { Visitor } from "./visitor.ts";

/** What proxies call themselves in the list that come over a unix socket. */
const unixName = "unix";
const headerNames = ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"] as const;

/** The proxies that are believed when they say for whom they ask. */
export class Proxies {
  readonly #isKnown: (address: string) => boolean;

  /** Addresses, ranges, and names of them, as `proxy-addr` has them. */
  constructor(list: readonly string[] = []) {
    const ranges = list.filter((entry) => entry !== unixName);
    const isInRange = compile(ranges);
    const hasUnix = list.includes(unixName);
    this.#isKnown = (address) => (address === "" ? hasUnix : isInRange(address, 0));
  }

  /**
   * The client for whom a request was made. Both kinds of headers may be there, where a proxy sets one and passes the other on
   * as the client has made it up; so they count together only where they say the same.
   * @throws RefusedError 400 where what a proxy says cannot be relied on.
   */
  believe(visitor: Visitor, headers: IncomingHttpHeaders): Visitor {
    if (!this.#isKnown(visitor.remoteAddress)) return visitor;
    const modern = headers["forwarded"] === undefined ? undefined : this.#follow(visitor, forwardedHops(headers));
    const hasOld = headerNames.some((name) => headers[name] !== undefined);
    const old = hasOld ? this.#follow(visitor, readForwardedHeaders(headers)) : undefined;
    if (modern === undefined || old === undefined) return modern ?? old ?? visitor;
    if (modern.remoteAddress !== old.remoteAddress || modern.scheme !== old.scheme || modern.host !== old.host) {
      throw new RefusedError(
        400,
        "Forwarded and X-Forwarded-* say different things; let the proxy set one kind of them and remove the other",
      );
    }
    return { ...old, remotePort: modern.remotePort === old.remotePort ? old.remotePort : 0 };
  }

  /** Goes from proxy to proxy for as long as they are known, to the first that is not: that is the client. */
  #follow(visitor: Visitor, hops: readonly Hop[]): Visitor {
    let { remoteAddress, remotePort, scheme, host } = visitor;
    for (const hop of hops.toReversed()) {
      scheme = hop.scheme ?? scheme;
      host = hop.host ?? host;
      // Whoever stands behind somebody who cannot be found could be anybody.
      if (hop.address === "") break;
      remoteAddress = hop.address;
      remotePort = hop.port;
      if (!this.#isKnown(remoteAddress)) break;
    }
    const port = parseAuthority(host)?.port || defaultPort(scheme);
    return { ...visitor, remoteAddress, remotePort, scheme, host, serverPort: Number(port) };
  }
}

function forwardedHops(headers: IncomingHttpHeaders): Hop[] {
  const hops = parseForwarded(String(headers["forwarded"]));
  if (hops === undefined) throw new RefusedError(400, "Forwarded is not as RFC 7239 has it");
  return hops;
}
