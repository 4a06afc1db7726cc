import { EventEmitter, once } from "node:events";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ProcessExit } from "../../../src/links.ts";
import { Lifetime } from "../../../src/process/lifetime.ts";

const pid = 4_000_000;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** A process that exits when the test says so, and what its lifetime does about it. */
function setup({ hasStderr = false, leavesOthers = false, isSilentAtExit = false } = {}) {
  const events: string[] = [];
  const group = { hasOthers: leavesOthers };
  const signalGroup = (signal: NodeJS.Signals | 0): boolean => {
    if (signal !== 0) events.push(`${signal} to ${-pid}`);
    return group.hasOthers || !events.includes("exited");
  };
  const exit = new EventEmitter<{ exit: [ProcessExit] }>();
  const exited = once(exit, "exit").then(([how]) => how as ProcessExit);
  const lifetime = new Lifetime({
    spawned: {
      pid,
      stdin: undefined,
      stdout: undefined,
      stderr: hasStderr ? new PassThrough() : undefined,
      exited,
      signalGroup,
      enlargeOutput: () => undefined,
    },
    killGraceMs: 5000,
    closeInput: () => events.push("input closed"),
    onExit: () => {
      events.push("exited");
      if (isSilentAtExit) lifetime.outputEnded();
    },
    onEnd: ({ code, signal, fault }) => events.push(`ended ${fault ?? signal ?? code}`),
  });
  const exits = async (how: Partial<ProcessExit> = {}): Promise<void> => {
    exit.emit("exit", { code: how.signal === undefined ? 0 : null, signal: null, ...how });
    await vi.advanceTimersByTimeAsync(0);
  };
  return { events, lifetime, exits, group };
}

test("the ladder closes the input, then asks the group, then kills it", async () => {
  const { events, lifetime } = setup();
  lifetime.terminate();
  expect(events).toEqual(["input closed"]);
  await vi.advanceTimersByTimeAsync(499);
  expect(events).toEqual(["input closed"]);
  await vi.advanceTimersByTimeAsync(1);
  expect(events).toEqual(["input closed", `SIGTERM to ${-pid}`]);
  await vi.advanceTimersByTimeAsync(4999);
  expect(events).toEqual(["input closed", `SIGTERM to ${-pid}`]);
  await vi.advanceTimersByTimeAsync(1);
  expect(events).toEqual(["input closed", `SIGTERM to ${-pid}`, `SIGKILL to ${-pid}`]);
});

test("a process that goes when its input is closed gets no signal but the one for what it left", async () => {
  const { events, lifetime, exits } = setup();
  lifetime.terminate();
  lifetime.outputEnded();
  await exits();
  expect(events).toEqual(["input closed", "exited", `SIGKILL to ${-pid}`, "ended 0"]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(events).toHaveLength(4);
});

test("after an exit the output may still come for a second, and no longer", async () => {
  const { events, exits } = setup();
  await exits({ code: 3 });
  await vi.advanceTimersByTimeAsync(999);
  expect(events).toEqual(["exited"]);
  await vi.advanceTimersByTimeAsync(2);
  expect(events).toEqual(["exited", `SIGKILL to ${-pid}`, "ended 3"]);
});

test("the end of the output is all that is waited for after an exit", async () => {
  const { events, lifetime, exits } = setup();
  await exits({ signal: "SIGSEGV" });
  lifetime.outputEnded();
  expect(events).toEqual(["exited", `SIGKILL to ${-pid}`, "ended SIGSEGV"]);
});

test("the second for late output runs only while the output is read, before and after the exit", async () => {
  const { events, lifetime, exits } = setup();
  lifetime.pauseGrace();
  await exits();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(events).toEqual(["exited"]);
  lifetime.resumeGrace();
  await vi.advanceTimersByTimeAsync(600);
  lifetime.pauseGrace();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(events).toEqual(["exited"]);
  lifetime.resumeGrace();
  await vi.advanceTimersByTimeAsync(401);
  expect(events.at(-1)).toBe("ended 0");
});

test("a second that is over ends nothing where the output was paused in the same turn", async () => {
  const { events, lifetime, exits } = setup();
  await exits();
  vi.advanceTimersToNextTimer();
  lifetime.pauseGrace();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(events).toEqual(["exited"]);
  lifetime.resumeGrace();
  await vi.advanceTimersByTimeAsync(1);
  expect(events.at(-1)).toBe("ended 0");
});

test("a fault is what the end tells of", async () => {
  const { events, lifetime, exits } = setup();
  lifetime.terminate("process does not listen");
  lifetime.outputEnded();
  await exits({ signal: "SIGTERM" });
  expect(events.at(-1)).toBe("ended process does not listen");
});

test("the end of stderr is waited for as well, in whatever order the outputs end", async () => {
  for (const first of ["stdout", "stderr"]) {
    const { events, lifetime, exits } = setup({ hasStderr: true });
    if (first === "stdout") lifetime.outputEnded();
    else lifetime.errorOutputEnded();
    await exits();
    expect(events).toEqual(["exited"]);
    if (first === "stdout") lifetime.errorOutputEnded();
    else lifetime.outputEnded();
    expect(events).toEqual(["exited", `SIGKILL to ${-pid}`, "ended 0"]);
  }
});

test("stderr that something else holds open is waited for no longer than a second", async () => {
  const { events, lifetime, exits } = setup({ hasStderr: true });
  lifetime.outputEnded();
  await exits();
  await vi.advanceTimersByTimeAsync(999);
  expect(events).toEqual(["exited"]);
  await vi.advanceTimersByTimeAsync(2);
  expect(events.at(-1)).toBe("ended 0");
});

test("of a process that was asked to go the last words are waited for, for a second where nobody of its group is left", async () => {
  for (const last of ["stdout", "stderr", "neither"]) {
    const { events, lifetime, exits } = setup({ hasStderr: true });
    lifetime.pauseGrace();
    lifetime.terminate();
    if (last === "stdout") lifetime.errorOutputEnded();
    if (last === "stderr") lifetime.outputEnded();
    await exits();
    expect(events).toEqual(["input closed", "exited", `SIGTERM to ${-pid}`]);
    if (last === "stdout") lifetime.outputEnded();
    else if (last === "stderr") lifetime.errorOutputEnded();
    else await vi.advanceTimersByTimeAsync(1001);
    expect(events.at(-1)).toBe("ended 0");
  }
});

test("what a process has started, and has its output too, is asked when the process has gone, and killed when it had its time", async () => {
  for (const isInTime of [true, false]) {
    const { events, lifetime, exits } = setup({ leavesOthers: true });
    lifetime.terminate();
    await exits();
    expect(events).toEqual(["input closed", "exited", `SIGTERM to ${-pid}`]);
    await vi.advanceTimersByTimeAsync(4999);
    expect(events).toHaveLength(3);
    if (isInTime) lifetime.outputEnded();
    else await vi.advanceTimersByTimeAsync(1);
    expect(events[3]).toBe(`SIGKILL to ${-pid}`);
    await vi.advanceTimersByTimeAsync(isInTime ? 0 : 1001);
    expect(events.at(-1)).toBe("ended 0");
  }
});

test("somebody else who has the output too is not waited for as long as the group may take, once that has gone", async () => {
  const { events, lifetime, exits, group } = setup({ leavesOthers: true });
  lifetime.terminate();
  await exits();
  await vi.advanceTimersByTimeAsync(2500);
  expect(events).toEqual(["input closed", "exited", `SIGTERM to ${-pid}`]);
  group.hasOthers = false;
  // It is noticed within a second, and a second is for what may still come.
  await vi.advanceTimersByTimeAsync(2000);
  expect(events.at(-1)).toBe("ended 0");
});

test("nobody is asked where the end of the output is told with the exit, as without a connection: all is over then", async () => {
  const { events, lifetime, exits } = setup({ leavesOthers: true, isSilentAtExit: true });
  lifetime.terminate();
  await exits();
  expect(events).toEqual(["input closed", "exited", `SIGKILL to ${-pid}`, "ended 0"]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(events).toHaveLength(4);
});

test("what has been asked with the process is not asked again when the process has gone", async () => {
  const { events, lifetime, exits } = setup({ leavesOthers: true });
  lifetime.terminate();
  await vi.advanceTimersByTimeAsync(500);
  await exits({ signal: "SIGTERM" });
  await vi.advanceTimersByTimeAsync(4999);
  expect(events).toEqual(["input closed", `SIGTERM to ${-pid}`, "exited"]);
  await vi.advanceTimersByTimeAsync(1);
  expect(events.at(-1)).toBe(`SIGKILL to ${-pid}`);
});

test("nobody waits for the output of a process that was killed", async () => {
  const { events, lifetime, exits } = setup();
  lifetime.kill();
  await exits({ signal: "SIGKILL" });
  expect(events.at(-1)).toBe("ended SIGKILL");
});

test("a process that is killed while its stderr is waited for is not waited for any more", async () => {
  const { events, lifetime, exits } = setup({ hasStderr: true });
  await exits();
  lifetime.kill();
  expect(events.at(-1)).toBe("ended 0");
});

test("an exit that came before anybody had the link is told in a later turn of the event loop", async () => {
  const { events, exits } = setup();
  const told = exits();
  await Promise.resolve();
  await Promise.resolve();
  expect(events).toEqual([]);
  await told;
  expect(events).toEqual(["exited"]);
});
