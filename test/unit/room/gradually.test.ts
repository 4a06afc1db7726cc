import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Gradually } from "../../../src/room/gradually.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Items that note when it was their turn; those that are gone return false. */
function setUp(count: number, spanMs: number, random: () => number) {
  const start = performance.now();
  const acted: [item: number, atMs: number][] = [];
  const gone = new Set<number>();
  const items = Array.from({ length: count }, (_each, index) => index);
  const act = (item: number): boolean => {
    if (gone.has(item)) return false;
    acted.push([item, performance.now() - start]);
    return true;
  };
  const gradually = new Gradually(items, spanMs, act, random);
  let isDone = false;
  const note = async (): Promise<void> => {
    await gradually.done;
    isDone = true;
  };
  void note();
  gradually.start();
  return { gradually, acted, gone, isDone: () => isDone };
}

test("the first comes at once, and each next one at its moment of the next slot, in order", async () => {
  const moments = [0.5, 0, 0.75];
  const { acted, isDone } = setUp(4, 400, () => moments.shift() ?? 0);
  expect(acted).toEqual([[0, 0]]);
  await vi.advanceTimersByTimeAsync(400);
  expect(acted).toEqual([
    [0, 0],
    [1, 150],
    [2, 200],
    [3, 375],
  ]);
  expect(isDone()).toBe(true);
});

test("the last one is not later than the span, whatever the moments", async () => {
  const { acted } = setUp(50, 1000, () => 0.999_999);
  await vi.advanceTimersByTimeAsync(1000);
  expect(acted).toHaveLength(50);
});

test("a single one and none at all do not wait", async () => {
  const single = setUp(1, 1e6, () => 0.5);
  const none = setUp(0, 1e6, () => 0.5);
  await vi.advanceTimersByTimeAsync(0);
  expect(single.acted).toEqual([[0, 0]]);
  expect([single.isDone(), none.isDone()]).toEqual([true, true]);
  expect(vi.getTimerCount()).toBe(0);
});

test("without a span all come at once", () => {
  const { acted } = setUp(1000, 0, Math.random);
  expect(acted).toHaveLength(1000);
});

test("slots far shorter than a timer's step are made up for", async () => {
  const { acted } = setUp(5000, 100, () => 0.5);
  await vi.advanceTimersByTimeAsync(50);
  expect(acted.length).toBeGreaterThan(2300);
  expect(acted.length).toBeLessThan(2700);
  await vi.advanceTimersByTimeAsync(50);
  expect(acted).toHaveLength(5000);
});

test("what is gone by itself takes no slot", async () => {
  const { acted, gone, isDone } = setUp(10, 1000, () => 0);
  for (const item of [1, 2, 3, 5, 6, 7, 8]) gone.add(item);
  await vi.advanceTimersByTimeAsync(200);
  expect(acted).toEqual([
    [0, 0],
    [4, 100],
    [9, 200],
  ]);
  expect(isDone()).toBe(true);
});

test("all that is left can come at once, and then nothing more", async () => {
  const { gradually, acted, isDone } = setUp(4, 1e6, () => 0.5);
  gradually.hurry();
  expect(acted.map(([item]) => item)).toEqual([0, 1, 2, 3]);
  gradually.hurry();
  await vi.runAllTimersAsync();
  expect(acted).toHaveLength(4);
  expect(isDone()).toBe(true);
});
