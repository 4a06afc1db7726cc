import type { Framing } from "../framing/framing.ts";
import type { ProcessLauncher, WireFormat } from "../links.ts";
import type { Logger } from "../logger.ts";
import type { ConnectionLimits } from "./connection.ts";
import type { Counters } from "./counters.ts";
import type { DropLog } from "./drop-log.ts";
import type { Histories } from "./histories.ts";
import type { RestartPolicy } from "./restart.ts";
import type { Template } from "./template.ts";

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
  /** Undefined where nothing is kept for who comes later. */
  readonly histories: Histories | undefined;
  /** How long a process may say nothing to its clients before the log explains why that may be; undefined: for ever. */
  readonly silenceMs: number | undefined;
  readonly counters: Counters;
  readonly logger: Logger;
  readonly dropLog: DropLog;
}
