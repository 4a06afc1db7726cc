import type { ProcessEvents } from "../links.ts";
import type { SpawnedProcess } from "./spawner.ts";

/** What both kinds of process links need. */
export interface LinkOptions {
  readonly spawned: SpawnedProcess;
  readonly events: ProcessEvents;
  readonly killGraceMs: number;
  /** More than this many bytes waiting for the process's input are told to whoever writes. */
  readonly maxWaitingBytes: number;
  /** How long what is written waits before the process gets it. */
  readonly attachDelayMs: number | undefined;
  /** The process and its group are gone, and what they had can be used again. */
  readonly onGone: () => void;
}
