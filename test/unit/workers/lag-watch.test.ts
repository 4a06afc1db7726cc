import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { LagWatch } from "../../../src/workers/lag-watch.ts";

let watch: LagWatch;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  watch = new LagWatch();
});

afterEach(() => {
  vi.clearAllTimers();
  vi.useRealTimers();
});

test("an event loop that is in time has no lag", () => {
  vi.advanceTimersByTime(10_000);
  expect(watch.lagMs).toBe(0);
});

test("the lag is how late the event loop was at most, and not what it was last", () => {
  hold(300);
  vi.advanceTimersByTime(200);
  hold(100);
  vi.advanceTimersByTime(200);
  expect(watch.lagMs).toBe(300);
});

test("a lag is told for one whole time more after the time in which it was", () => {
  hold(300);
  watch.startOver();
  hold(100);
  expect(watch.lagMs).toBe(300);
  watch.startOver();
  expect(watch.lagMs).toBe(100);
  watch.startOver();
  expect(watch.lagMs).toBe(0);
});

/** The event loop does not turn until what was due is so late. */
function hold(ms: number): void {
  const now = performance.now.bind(performance);
  const late = vi.spyOn(performance, "now").mockImplementation(() => now() + ms);
  vi.advanceTimersToNextTimer();
  late.mockRestore();
  // The clock catches up with what the watch has seen.
  vi.advanceTimersByTime(ms);
}
