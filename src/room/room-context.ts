import type { Framing } from "../framing/framing.ts";
import type { ProcessLauncher, WireFormat } from "../links.ts";
import type { Logger } from "../logger.ts";
import type { ConnectionLimits } from "./connection.ts";
import type { Counters } from "./counters.ts";
import type { DropLog } from "./drop-log.ts";
import type { RestartPolicy } from "./restart.ts";
import type { Template } from "./template.ts";

/** Takes how long each start of a process took. */
export interface SpawnTime {
  observe(seconds: number): void;
}

/** What all rooms of a server have in common. */
export interface RoomContext {
  readonly framing: Framing;
  readonly wire: WireFormat;
  readonly launcher: ProcessLauncher;
  readonly limits: ConnectionLimits;
  /** How many clients one room takes; undefined is no limit. */
  readonly maxClients: number | undefined;
  /** How long a process lives on without clients. */
  readonly lingerMs: number;
  readonly restart: RestartPolicy;
  readonly joinMessage: Template | undefined;
  readonly leaveMessage: Template | undefined;
  readonly counters: Counters;
  readonly spawnTime: SpawnTime;
  readonly logger: Logger;
  readonly dropLog: DropLog;
}
