import type { ProcessEvents } from "../links.ts";
import type { SpawnedProcess } from "./spawner.ts";

/** More than this many bytes waiting for a process's input are told to whoever writes. */
export const maxWaitingBytes = 1024 * 1024;

/** What both kinds of process links need. */
export interface LinkOptions {
  readonly spawned: SpawnedProcess;
  readonly events: ProcessEvents;
  readonly killGraceMs: number;
  /** How long what is written waits before the process gets it. */
  readonly attachDelayMs: number | undefined;
  /** The process and its group are gone, and what they had can be used again. */
  readonly onGone: () => void;
}
