import { isatty } from "node:tty";
import { closeCodes } from "../close-codes.ts";
import type { Server } from "../index.ts";
import type { Logger } from "../logger.ts";
import type { Options } from "../options.ts";

const stdin = 0;
const stderr = 2;

/** Does what signals ask for, until the function that is returned is called. */
export function obeySignals(
  server: Server,
  { drainWaitMs, drainTimeMs }: Pick<Options, "drainWaitMs" | "drainTimeMs">,
  logger: Logger,
): () => void {
  let isStopping = false;
  const stop = (signal: NodeJS.Signals, how: Parameters<Server["stop"]>[0]): void => {
    if (isStopping) {
      logger.warn(`${signal}: killing what is left`);
      server.kill();
      return;
    }
    isStopping = true;
    logger.info(`${signal}: shutting down`);
    void server.stop(how);
  };
  const terminals = [stdin, stderr].filter((descriptor) => isatty(descriptor));
  const listeners = {
    SIGTERM: () =>
      stop("SIGTERM", { waitMs: drainWaitMs, spreadMs: drainTimeMs, code: closeCodes.serviceRestart.code }),
    // A person at a terminal does not want to wait.
    SIGINT: () => stop("SIGINT", {}),
    SIGHUP: () => {
      // Also the end of a terminal is told so, and whoever has closed it does not want a server to live on unseen.
      if (terminals.length > 0 && !terminals.some((descriptor) => isatty(descriptor))) stop("SIGHUP", {});
      else void server.reload();
    },
    SIGUSR2: () => void server.logStatus(),
  };
  for (const [signal, listener] of Object.entries(listeners)) process.on(signal, listener);
  return () => {
    for (const [signal, listener] of Object.entries(listeners)) process.off(signal, listener);
  };
}
