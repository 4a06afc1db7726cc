import { readFileSync } from "node:fs";
import type { EventLoopUtilization } from "node:perf_hooks";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Heap, IdleTrim, loadTrim } from "../../../src/system/idle-trim.ts";
import { until } from "../../helpers/until.ts";

const mebibyte = 1024 * 1024;

/** Outside of glibc there is nothing to call. */
const hasTrim = "glibcVersionRuntime" in (process.report.getReport() as { header: object }).header;

describe("with a clock of its own", () => {
  /** How long the event loop was busy so far. */
  let activeMs = 0;
  let trims = 0;
  let collections = 0;
  let bufferMebibytes = 0;
  let heapMebibytes = 10;
  let idleTrim: IdleTrim;

  /** Lets half seconds pass, of each of which the event loop is busy for so long. */
  function pass(times: number, busyMs: number): void {
    for (let time = 0; time < times; time += 1) {
      activeMs += busyMs;
      vi.advanceTimersByTime(500);
    }
  }

  /** Has so many MiB of buffers after work, and then little to do for some half seconds. */
  function workWith(mebibytes: number, quietTimes: number): void {
    bufferMebibytes = mebibytes;
    pass(4, 400);
    pass(quietTimes, 1);
  }

  beforeEach(() => {
    activeMs = 0;
    trims = 0;
    collections = 0;
    bufferMebibytes = 0;
    heapMebibytes = 10;
    vi.useFakeTimers();
    vi.spyOn(performance, "eventLoopUtilization").mockImplementation((now?: object, before?: object) => {
      if (now === undefined) return { active: activeMs, idle: 0, utilization: 0 };
      const active = (now as EventLoopUtilization).active - (before as EventLoopUtilization).active;
      return { active, idle: 500 - active, utilization: active / 500 };
    });
    const heap: Heap = {
      usage: () => ({ arrayBuffers: bufferMebibytes * mebibyte, heapTotal: heapMebibytes * mebibyte }),
      collectGarbage: () => {
        collections += 1;
      },
    };
    idleTrim = new IdleTrim(heap, () => () => {
      trims += 1;
    });
  });

  afterEach(() => {
    idleTrim.stop();
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  test("memory is given back once there is little to do after work, and then not before there was work again", () => {
    pass(5, 400);
    expect(trims).toBe(0);
    pass(1, 50);
    expect(trims).toBe(1);
    pass(150, 1);
    expect(trims).toBe(1);
    pass(1, 400);
    expect(trims).toBe(1);
    pass(1, 1);
    expect(trims).toBe(2);
  });

  test("it is not given back more often than every two seconds, and not while there is much to do", () => {
    for (let times = 0; times < 20; times += 1) {
      pass(1, 300);
      pass(1, 0);
    }
    expect(trims).toBe(10);
    pass(60, 51);
    expect(trims).toBe(10);
  });

  test("where many new buffers are, garbage is collected first, and then memory given back", () => {
    workWith(8, 1);
    expect([collections, trims]).toEqual([1, 0]);
    bufferMebibytes = 5;
    pass(1, 1);
    expect([collections, trims]).toEqual([1, 1]);
    workWith(12, 2);
    expect([collections, trims]).toEqual([1, 2]);
    workWith(13, 2);
    expect([collections, trims]).toEqual([2, 3]);
  });

  test("buffers that are in use are not looked through again and again, and others are once these are gone", () => {
    workWith(50, 2);
    for (let times = 0; times < 5; times += 1) workWith(50, 1);
    expect([collections, trims]).toEqual([1, 6]);
    workWith(2, 1);
    workWith(10, 2);
    expect([collections, trims]).toEqual([2, 8]);
  });

  test("a large heap is not held up for it", () => {
    heapMebibytes = 33;
    workWith(50, 1);
    expect([collections, trims]).toEqual([0, 1]);
  });

  test("nothing is done after the stop", () => {
    pass(1, 400);
    idleTrim.stop();
    pass(60, 1);
    expect(trims).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("where memory cannot be given back it is not tried again", () => {
    idleTrim.stop();
    const load = vi.fn(() => undefined);
    idleTrim = new IdleTrim(undefined, load);
    pass(1, 400);
    pass(60, 1);
    expect(load).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});

test.runIf(hasTrim)("memory that was freed between what is in use goes back to the system", async () => {
  const trim = loadTrim();
  // Too small to be mappings of their own, so that they lie side by side.
  const buffers = Array.from({ length: 1000 }, () => Buffer.allocUnsafeSlow(64 * 1024).fill(1));
  const grownKibibytes = residentKibibytes();
  const kept = buffers.filter((_, index) => index % 10 === 0);
  buffers.length = 0;
  const { setFlagsFromString } = await import("node:v8");
  setFlagsFromString("--expose-gc");
  const { runInNewContext } = await import("node:vm");
  (runInNewContext("gc") as () => void)();
  await until(() => {
    trim?.();
    return residentKibibytes() < grownKibibytes - 30_000;
  }, "memory to be given back");
  expect(kept.every((buffer) => buffer.every((byte) => byte === 1))).toBe(true);
});

function residentKibibytes(): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]);
}
