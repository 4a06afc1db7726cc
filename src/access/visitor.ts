import type { IncomingMessage } from "node:http";
import type { Identity, JoinRequest } from "../join-request.ts";

/** What is believed of the client behind a request, and what the rooms are told of it. */
export interface Visitor {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly scheme: JoinRequest["scheme"];
  /** The `Host` that the client has asked, empty without one. */
  readonly host: string;
  readonly tlsSubject: string;
  readonly identity: Identity | null;
  /** The request's target, query and headers, without secrets that were only for the server. */
  readonly url: string;
  readonly query: string;
  readonly rawHeaders: readonly string[];
}

/** What the connection itself tells of its client. `query` is that of the request's target. */
export function describeVisitor(request: IncomingMessage, query: string): Visitor {
  const { socket, url = "", headers, rawHeaders } = request;
  return {
    remoteAddress: plainAddress(socket.remoteAddress ?? ""),
    remotePort: socket.remotePort ?? 0,
    scheme: "http",
    host: headers.host ?? "",
    tlsSubject: "",
    identity: null,
    url,
    query,
    rawHeaders,
  };
}

/** An IPv4 client of an IPv6 socket is still an IPv4 client. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}
