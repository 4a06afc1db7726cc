import { availableParallelism } from "node:os";
import type { Logger } from "../logger.ts";
import type { Options } from "../options.ts";

/** More workers than that share the cores with too many others by themselves. */
const maxAutoWorkers = 8;

/** How many workers a server has: none where a connection cannot be handed to another process, or need not be. */
export function workerCount({ workers, oneshot, tlsCert }: Options, logger: Logger): number {
  // It has one client in all, which takes no second process.
  if (oneshot) return 0;
  if (workers !== "auto") return workers;
  if (tlsCert === undefined) return Math.min(availableParallelism(), maxAutoWorkers);
  logger.info("rooms live in one process: connections with TLS cannot be handed to workers");
  return 0;
}
