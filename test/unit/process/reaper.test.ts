import { expect, onTestFinished, test, vi } from "vitest";
import type { ProcessCalls } from "../../../src/process/process-calls.ts";
import { Reaper } from "../../../src/process/reaper.ts";

const foreign = 7;

/** Children that have exited, the oldest first, as the system tells of them; and how often one was asked for. */
function fakeCalls() {
  const exited: number[] = [];
  const reap = vi.fn((pid: number) => {
    const index = exited.indexOf(pid);
    if (index === -1) return undefined;
    exited.splice(index, 1);
    return { code: 0, signal: null };
  });
  const calls = { peekExited: () => exited[0], reap } as unknown as ProcessCalls;
  const exit = (pid: number): void => {
    exited.push(pid);
    process.emit("SIGCHLD", "SIGCHLD");
  };
  return { calls, exit, reap };
}

test("a child of somebody else that stays a zombie hides none of ours, and costs nothing while none exits", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { calls, exit, reap } = fakeCalls();
  const reaper = new Reaper(calls);
  onTestFinished(() => reaper.close());
  const onExit = vi.fn();
  for (const pid of [11, 12, 13]) reaper.watch(pid, () => onExit(pid));
  exit(foreign);
  exit(12);
  await vi.advanceTimersByTimeAsync(1000);
  expect(onExit.mock.calls).toEqual([[12]]);
  reap.mockClear();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(reap).not.toHaveBeenCalled();
  exit(13);
  await vi.advanceTimersByTimeAsync(1000);
  expect(onExit.mock.calls).toEqual([[12], [13]]);
  expect(reap).not.toHaveBeenCalledWith(foreign);
});

test("as many as there are servers share one listener, and each waits for its own children", () => {
  const before = process.listenerCount("SIGCHLD");
  const [first, second, ...others] = Array.from({ length: 12 }, () => {
    const { calls, exit } = fakeCalls();
    return { reaper: new Reaper(calls), exit };
  });
  expect(process.listenerCount("SIGCHLD")).toBe(before + 1);
  const onExit = vi.fn();
  second?.reaper.watch(12, () => onExit(12));
  for (const each of [first, ...others]) each?.reaper.close();
  first?.exit(11);
  expect(onExit).not.toHaveBeenCalled();
  second?.exit(12);
  expect(onExit).toHaveBeenCalledOnce();
  second?.reaper.close();
  expect(process.listenerCount("SIGCHLD")).toBe(before);
});
