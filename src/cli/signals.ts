import { closeCodes } from "../close-codes.ts";
import type { Server } from "../index.ts";
import type { Logger } from "../logger.ts";
import type { Options } from "../options.ts";
import type { Notifier } from "../systemd/notifier.ts";
import { Terminal } from "./terminal.ts";

/** A shell that ends passes SIGHUP on before it does, so the terminal is looked for again, for two seconds. */
const looks = 20;
const lookMs = 100;

/** Signals that are obeyed. */
export interface Signals {
  /** Whether they have asked for the end of all that is left. */
  readonly haveKilled: boolean;
  forget(): void;
}

/** Does what signals ask for, until they are forgotten. */
export function obeySignals(
  server: Server,
  { drainWaitMs, drainTimeMs, config }: Pick<Options, "drainWaitMs" | "drainTimeMs" | "config">,
  notifier: Notifier,
  logger: Logger,
): Signals {
  let isStopping = false;
  let haveKilled = false;
  const stop = (signal: NodeJS.Signals, how: Parameters<Server["stop"]>[0]): void => {
    if (isStopping) {
      haveKilled = true;
      logger.warn(`${signal}: killing what is left`);
      server.kill();
      return;
    }
    isStopping = true;
    logger.info(`${signal}: shutting down`);
    notifier.stopping();
    void server.stop(how);
  };
  const terminal = new Terminal();
  const watchTerminal = (times = looks): void => {
    if (isStopping) return;
    if (terminal.isGone) stop("SIGHUP", {});
    else if (times > 0) setTimeout(() => watchTerminal(times - 1), lookMs).unref();
  };
  const listeners = {
    SIGTERM: () =>
      stop("SIGTERM", { waitMs: drainWaitMs, spreadMs: drainTimeMs, code: closeCodes.serviceRestart.code }),
    // A person at a terminal does not want to wait.
    SIGINT: () => stop("SIGINT", {}),
    SIGHUP: () => {
      // Also the end of a terminal is told so, and whoever has closed it does not want a server to live on unseen.
      watchTerminal();
      if (terminal.isGone) return;
      if (config !== undefined) logger.info(`options stay as they are: ${config} is read at the start only`);
      void notifier.whileReloading(async () => server.reload());
    },
    // Without a listener, Node would open its debugger, to everybody on this machine.
    SIGUSR1: () => logger.warn("SIGUSR1 means nothing here; SIGUSR2 writes the state of the server into the log"),
    SIGUSR2: () => void server.logStatus(),
  };
  for (const [signal, listener] of Object.entries(listeners)) process.on(signal, listener);
  return {
    get haveKilled() {
      return haveKilled;
    },
    forget() {
      for (const [signal, listener] of Object.entries(listeners)) process.off(signal, listener);
    },
  };
}
