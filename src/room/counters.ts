import { type DropReason, dropReasons } from "../drop-reasons.ts";
import { SpawnTimes, type SpawnTimeValues } from "./spawn-times.ts";

/** How a process came to its end, as a label of metrics. */
const processOutcomes = ["success", "failure", "signal", "not_started"] as const;
export type ProcessOutcome = (typeof processOutcomes)[number];

/** What rooms have done so far, as plain data. */
export interface CounterValues {
  readonly messagesReceived: number;
  readonly bytesReceived: number;
  readonly messagesSent: number;
  readonly bytesSent: number;
  readonly processesStarted: number;
  readonly outputPauses: number;
  readonly inputPauses: number;
  readonly slowClosed: number;
  readonly ratePauses: number;
  readonly rateClosed: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  readonly processesEnded: Readonly<Record<ProcessOutcome, number>>;
  readonly spawnTimes: SpawnTimeValues;
}

/** What the rooms of this process have done so far. They add where it happens; metrics read when asked. */
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
  /** Times that reading from one client paused because it had sent more than it may. */
  ratePauses = 0;
  rateClosed = 0;
  readonly dropped = new Map<DropReason, number>(keysOf(dropReasons).map((reason) => [reason, 0]));
  readonly processesEnded = new Map<ProcessOutcome, number>(processOutcomes.map((outcome) => [outcome, 0]));
  readonly spawnTimes = new SpawnTimes();

  drop(reason: DropReason, count = 1): void {
    this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + count);
  }

  processEnded(outcome: ProcessOutcome): void {
    this.processesEnded.set(outcome, (this.processesEnded.get(outcome) ?? 0) + 1);
  }

  values(): CounterValues {
    const { messagesReceived, bytesReceived, messagesSent, bytesSent, spawnTimes } = this;
    const { processesStarted, outputPauses, inputPauses, slowClosed, ratePauses, rateClosed } = this;
    return {
      messagesReceived,
      bytesReceived,
      messagesSent,
      bytesSent,
      processesStarted,
      outputPauses,
      inputPauses,
      slowClosed,
      ratePauses,
      rateClosed,
      spawnTimes,
      dropped: Object.fromEntries(this.dropped) as CounterValues["dropped"],
      processesEnded: Object.fromEntries(this.processesEnded) as CounterValues["processesEnded"],
    };
  }
}

/** What several processes have counted, together. */
export function sumCounters(all: readonly CounterValues[]): CounterValues {
  return all.reduce((sum, values) => addNumbers(sum, values), new Counters().values());
}

/** Adds numbers that stand at the same place of two values of the same shape. */
function addNumbers<Value>(left: Value, right: Value): Value {
  if (typeof left === "number") return ((left as number) + (right as number)) as Value;
  if (Array.isArray(left)) {
    return left.map((item, index) => addNumbers<unknown>(item, (right as unknown[])[index])) as Value;
  }
  const entries = Object.entries(left as object);
  const others = right as Readonly<Record<string, unknown>>;
  return Object.fromEntries(entries.map(([key, value]) => [key, addNumbers<unknown>(value, others[key])])) as Value;
}

function keysOf<Key extends string>(table: Readonly<Record<Key, unknown>>): Key[] {
  return Object.keys(table) as Key[];
}
