import { createServer, type Server } from "node:https";
import type { ServerOptions } from "node:http";
import type { TLSSocket } from "node:tls";
import type { Logger } from "../logger.ts";
import type { Certificates } from "./certificates.ts";

const handshakeTimeoutMs = 10_000;

/** An HTTP server behind TLS. */
export function createSecureServer(limits: ServerOptions, certificates: Certificates, logger: Logger): Server {
  const http = createServer({
    ...limits,
    ...certificates.context,
    // As without TLS: a client that has said all it has to say may still hear the rest.
    allowHalfOpen: true,
    handshakeTimeout: handshakeTimeoutMs,
    requestCert: certificates.areAsked,
    rejectUnauthorized: certificates.areAsked,
  } as ServerOptions);
  certificates.use(http);
  http.on("tlsClientError", (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    logger.debug(`TLS handshake with ${socket.remoteAddress ?? "a client"} failed: ${error.code ?? error.message}`);
  });
  return http;
}
