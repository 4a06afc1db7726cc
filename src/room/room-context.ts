import type { Framing } from "../framing/framing.ts";
import type { ProcessLauncher, WireFormat } from "../links.ts";
import type { Logger } from "../logger.ts";
import type { ConnectionLimits } from "./connection.ts";
import type { Counters } from "./counters.ts";
import type { DropLog } from "./drop-log.ts";
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
  readonly joinMessage: Template | undefined;
  readonly leaveMessage: Template | undefined;
  /** How long a process may say nothing to its clients before the log explains why that may be; undefined: for ever. */
  readonly silenceMs: number | undefined;
  readonly counters: Counters;
  readonly spawnTime: SpawnTime;
  readonly logger: Logger;
  readonly dropLog: DropLog;
}
