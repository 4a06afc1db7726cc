import { type DropReason, dropReasons } from "../drop-reasons.ts";
import { SpawnTimes, type SpawnTimeValues } from "./spawn-times.ts";

/** How a process came to its end, as a label of metrics. */
const processOutcomes = ["success", "failure", "signal", "not_started"] as const;
export type ProcessOutcome = (typeof processOutcomes)[number];

/** What the rooms of this process have done so far, as plain data. They add where it happens; metrics read when asked. */
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
  readonly dropped = zeros(Object.keys(dropReasons) as DropReason[]);
  readonly processesEnded = zeros(processOutcomes);
  readonly spawnTimes = new SpawnTimes();
}

/** What was counted up to a moment. */
export type CounterValues = Readonly<Omit<Counters, "spawnTimes">> & { readonly spawnTimes: SpawnTimeValues };

/** What several processes have counted, together. */
export function sumCounters(all: readonly CounterValues[]): CounterValues {
  return all.reduce<CounterValues>((sum, values) => addNumbers(sum, values), new Counters());
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

function zeros<Key extends string>(keys: readonly Key[]): Record<Key, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<Key, number>;
}
