import { messageOf } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { NodeSpawner } from "./node-spawner.ts";
import { PosixSpawner } from "./posix-spawner.ts";
import type { BaseSpawner } from "./spawner.ts";

/** The best way to start programs on this system; the log says where it is not the best there is. */
export function createSpawner(logger: Logger): BaseSpawner {
  try {
    return new PosixSpawner();
  } catch (error) {
    logger.warn(
      `posix_spawn cannot be called (${messageOf(error)}), so Node's child_process starts the processes: ` +
        "each start holds up all clients for a moment, and /dev/stdin and /dev/stdout cannot be opened by programs",
    );
    return new NodeSpawner();
  }
}
