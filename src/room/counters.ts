import { type DropReason, dropReasons } from "../drop-reasons.ts";

/** How a process came to its end, as a label of metrics. */
const processOutcomes = ["success", "failure", "signal", "not_started"] as const;
export type ProcessOutcome = (typeof processOutcomes)[number];

/** What the rooms of one server have done so far. They add where it happens; metrics read when asked. */
export class Counters {
  messagesReceived = 0;
  bytesReceived = 0;
  messagesSent = 0;
  bytesSent = 0;
  processesStarted = 0;
  /** Times that reading a process's output paused because a client was behind. */
  outputPauses = 0;
  /** Times that reading from a room's clients paused because the process was behind. */
  inputPauses = 0;
  slowClosed = 0;
  /** Clients that are in a room now, or on the way into one. */
  present = 0;
  readonly dropped = new Map<DropReason, number>(keysOf(dropReasons).map((reason) => [reason, 0]));
  readonly processesEnded = new Map<ProcessOutcome, number>(processOutcomes.map((outcome) => [outcome, 0]));

  drop(reason: DropReason, count = 1): void {
    this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + count);
  }

  processEnded(outcome: ProcessOutcome): void {
    this.processesEnded.set(outcome, (this.processesEnded.get(outcome) ?? 0) + 1);
  }
}

function keysOf<Key extends string>(table: Readonly<Record<Key, unknown>>): Key[] {
  return Object.keys(table) as Key[];
}
