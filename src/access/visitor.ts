import { RefusedError } from "../errors.ts";
import type { JoinRequest } from "../join-request.ts";
import type { RequestHead } from "../request-head.ts";
import { defaultPort, parseAuthority } from "../web-origin.ts";
import { isEncrypted, tlsSubjectOf } from "./tls-client.ts";

/** What is believed of the client behind a request, and what the rooms are told of it. */
export interface Visitor {
  /** Empty where it is not known, as over a unix socket. */
  readonly remoteAddress: string;
  /** 0 where it is not known. */
  readonly remotePort: number;
  readonly scheme: JoinRequest["scheme"];
  /** The `Host` that the client has asked, empty without one. */
  readonly host: string;
  /** The port that the client has asked. */
  readonly serverPort: number;
  readonly tlsSubject: string;
  /** The request's target, query and headers, without secrets that were only for the server. */
  readonly url: string;
  readonly query: string;
  readonly rawHeaders: readonly string[];
}

/**
 * What the connection itself tells of its client. `query` is that of the request's target.
 * @throws RefusedError where the client is gone.
 */
export function describeVisitor(request: RequestHead, query: string): Visitor {
  const { socket, url = "", rawHeaders } = request;
  const scheme = isEncrypted(socket) ? "https" : "http";
  const host = hostOf(request);
  // A connection that was reset has no address any more, which only those over a unix socket may lack.
  if (socket.remoteAddress === undefined && socket.localPort !== undefined) {
    throw new RefusedError(400, "the client is gone");
  }
  return {
    remoteAddress: plainAddress(socket.remoteAddress ?? ""),
    remotePort: socket.remotePort ?? 0,
    scheme,
    host,
    serverPort: socket.localPort ?? portAsked(host, scheme),
    tlsSubject: tlsSubjectOf(socket),
    url,
    query,
    rawHeaders,
  };
}

/** An IPv4 client of an IPv6 socket is still an IPv4 client. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}

/** A target that names the host wins over the header (RFC 9112 section 3.2.2). */
function hostOf({ url = "", headers }: RequestHead): string {
  const [, authority] = /^https?:\/\/([^/?#]*)/i.exec(url) ?? [];
  return authority ?? headers.host ?? "";
}

/** At a unix socket there is no port: what the client has asked for is as near as one can come. */
function portAsked(host: string, scheme: string): number {
  return Number(parseAuthority(host)?.port || defaultPort(scheme));
}
