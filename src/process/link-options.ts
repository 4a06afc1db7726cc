import type { ProcessEvents } from "../links.ts";
import type { SpawnedProcess } from "./spawner.ts";

/** What waits here for a process's input is lost with the process. */
const standardWaitingBytes = 1024 * 1024;
/** Where a next process may follow, what the one before does not take is better kept for that. */
const keptWaitingBytes = 64 * 1024;

/** More than this many bytes waiting for a process's input are told to whoever writes. */
export function maxWaitingBytes(keepsUnread: boolean): number {
  return keepsUnread ? keptWaitingBytes : standardWaitingBytes;
}

/** What both kinds of process links need. */
export interface LinkOptions {
  readonly spawned: SpawnedProcess;
  readonly events: ProcessEvents;
  readonly killGraceMs: number;
  /** Whether what the process does not read may go to the next one. */
  readonly keepsUnread: boolean;
  /** Whether its stderr goes to clients too, and so waits with its other output. */
  readonly pausesErrors: boolean;
  /** How long what is written waits before the process gets it. */
  readonly attachDelayMs: number | undefined;
  /** The process and its group are gone, and what they had can be used again. */
  readonly onGone: () => void;
}
