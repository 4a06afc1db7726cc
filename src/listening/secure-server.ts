import { constants } from "node:crypto";
import { createServer } from "node:https";
import type { Server, ServerOptions } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Logger } from "../logger.ts";
import type { Certificates } from "./certificates.ts";

const handshakeTimeoutMs = 10_000;

/** A server that does not listen yet. */
export interface PreparedServer {
  readonly http: Server;
  /** Ends connections that HTTP does not know of. */
  readonly cut: () => void;
}

/** An HTTP server behind TLS. */
export function createSecureServer(limits: ServerOptions, certificates: Certificates, logger: Logger): PreparedServer {
  const http = createServer({
    ...limits,
    ...certificates.context,
    // As without TLS: a client that has said all it has to say may still hear the rest.
    allowHalfOpen: true,
    handshakeTimeout: handshakeTimeoutMs,
    requestCert: certificates.areAsked,
    rejectUnauthorized: certificates.areAsked,
    // A client could have the expensive part of the handshake done again and again.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  } as ServerOptions);
  certificates.use(http);
  http.on("tlsClientError", (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    logger.debug(`TLS handshake with ${socket.remoteAddress ?? "a client"} failed: ${error.code ?? error.message}`);
  });
  const carriers = new Set<Socket>();
  const carrierOnClose = function (this: Socket): void {
    carriers.delete(this);
  };
  http.on("connection", (carrier: Socket) => {
    carriers.add(carrier);
    carrier.on("close", carrierOnClose);
  });
  return {
    http,
    cut: () => {
      for (const carrier of carriers) carrier.destroy();
    },
  };
}
