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
    // Node tells of a client whose certificate it does not accept as of one who has gone.
    const { authorizationError: refusal } = socket as { readonly authorizationError: unknown };
    const reason = typeof refusal === "string" ? refusal : (error.code ?? error.message);
    logger.debug(`TLS handshake with ${socket.remoteAddress ?? "a client"} failed: ${reason}`);
  });
  return http;
}
