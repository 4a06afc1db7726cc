/** How long what was put off may take of one turn of the event loop, for all clients together. */
const budgetMs = 4;

/** How much of one client is read without a break, as a sum of {@link readingCosts}. */
export const shareOfTurn = 2048;

/** What it costs to read, where a plain message is 1 and takes less than a microsecond, whether 1 byte long or 100. */
export const readingCosts = {
  plainMessage: 1,
  /** A frame that is read by `ws`. */
  passedFrame: 16,
  /** A small frame can hold a thousand times its bytes. */
  inflatedKibibyte: 32,
} as const;

const waiting: (() => void)[] = [];
/** Undefined where nothing that costs much was done in this turn. */
let startMs: number | undefined;

/** Whether what costs much, and can wait, should wait for another turn of the event loop. */
export function isTurnSpent(): boolean {
  if (startMs !== undefined) return performance.now() - startMs >= budgetMs;
  startMs = performance.now();
  setImmediate(beginTurn);
  return false;
}

/** Calls back in another turn, when those who have waited longer have had theirs. */
export function inAnotherTurn(callback: () => void): void {
  waiting.push(callback);
  if (startMs !== undefined) return;
  startMs = performance.now();
  setImmediate(beginTurn);
}

function beginTurn(): void {
  startMs = undefined;
  // Who is put off once more meanwhile comes behind all others, and has the microtasks of this time done by then.
  for (let count = waiting.length; count > 0 && !isTurnSpent(); count -= 1) waiting.shift()?.();
}
