import { Server, type ServerOptions } from "./http/server.ts";
import type { StopOptions } from "./http/stopping.ts";
import { type Logger, silentLogger } from "./logger.ts";

export { closeCodes } from "./close-codes.ts";
export { type ErrorCode, errorCodes, ServerError } from "./errors.ts";
export type { LogFields, Logger } from "./logger.ts";
export type { Server, ServerOptions, StopOptions };

/**
 * Makes a server that wraps a command; `start` it, and `stop` it to end all that it has started.
 * @throws ServerError ERR_USAGE where an option is out of range.
 */
export function createServer(options: ServerOptions, logger: Logger = silentLogger): Server {
  return new Server(options, logger);
}
