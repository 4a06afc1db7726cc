import type { IncomingMessage } from "node:http";
import type { Visitor } from "../../src/access/visitor.ts";

/** The parts of a request that are looked at on the way in; a list is a header that comes several times. */
export function fakeIncoming(
  headers: Readonly<Record<string, string | readonly string[]>>,
  {
    url = "/a",
    ...peer
  }: {
    readonly url?: string;
    readonly remoteAddress?: string | undefined;
    readonly localAddress?: string;
    readonly localPort?: number | undefined;
  } = {},
): IncomingMessage {
  const pairs = Object.entries(headers).flatMap(([name, values]) =>
    [values].flat().map((value) => [name.toLowerCase(), value] as const),
  );
  const joined: Record<string, string> = {};
  const distinct: Record<string, string[]> = {};
  for (const [name, value] of pairs) {
    // Of several hosts Node takes the first.
    if (name !== "host" || joined[name] === undefined) {
      joined[name] = joined[name] === undefined ? value : `${joined[name]}, ${value}`;
    }
    distinct[name] = [...(distinct[name] ?? []), value];
  }
  const parts = {
    url,
    headers: joined,
    headersDistinct: distinct,
    rawHeaders: pairs.flat(),
    socket: { remoteAddress: "192.0.2.1", remotePort: 40_000, localPort: 9000, ...peer },
  };
  return parts as unknown as IncomingMessage;
}

/** A client that came by itself, from 192.0.2.1 to example.com. */
export function fakeVisitor(changes: Partial<Visitor> = {}): Visitor {
  return {
    remoteAddress: "192.0.2.1",
    remotePort: 40_000,
    scheme: "http",
    host: "example.com",
    serverPort: 9000,
    tlsSubject: "",
    url: "/a",
    query: "",
    rawHeaders: [],
    ...changes,
  };
}
