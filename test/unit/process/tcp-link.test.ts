import { EventEmitter, once } from "node:events";
import { Socket } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import type { ProcessExit } from "../../../src/links.ts";
import { TcpLink } from "../../../src/process/tcp-link.ts";
import { noProcessEvents } from "../../helpers/fakes.ts";
import { freePorts, listen } from "../../helpers/ports.ts";
import { until } from "../../helpers/until.ts";

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
const pieceBytes = 64 * kibibyte;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** A link to a process of which only the port is real, and which is gone when the scope ends. */
function setup(port: number, { keepsUnread = false } = {}) {
  const signals: NodeJS.Signals[] = [];
  const exit = new EventEmitter<{ exit: [ProcessExit] }>();
  let hasEnded = false;
  const link = new TcpLink(port, {
    spawned: {
      pid: 4_000_000,
      stdin: undefined,
      stdout: undefined,
      stderr: undefined,
      exited: once(exit, "exit").then(([how]) => how as ProcessExit),
      signalGroup: (signal) => {
        if (signal !== 0) signals.push(signal);
        return true;
      },
      enlargeOutput: () => undefined,
    },
    events: { ...noProcessEvents, onEnd: () => void (hasEnded = true) },
    killGraceMs: 5000,
    keepsUnread,
    pausesErrors: false,
    attachDelayMs: undefined,
    onGone: () => undefined,
  });
  return {
    link,
    signals,
    async [Symbol.asyncDispose]() {
      link.kill();
      exit.emit("exit", { code: null, signal: "SIGKILL" });
      await until(() => hasEnded, "the end of the link");
    },
  };
}

/** When a port is tried where nobody listens, in milliseconds, until the process is asked to go. */
async function triesInVain(): Promise<number[]> {
  const { start: port } = await freePorts(1);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const connect = vi.spyOn(Socket.prototype, "connect");
  await using process = setup(port);
  const tries: number[] = [];
  for (let ms = 0; process.signals.length === 0; ms += 1) {
    await until(() => vi.getTimerCount() > 0, "the connection to be refused");
    vi.advanceTimersByTime(ms === 0 ? 0 : 1);
    if (connect.mock.calls.length > tries.length) tries.push(ms);
  }
  return tries;
}

/** Writes pieces until the link says that this was one too many, and returns how much waits then. */
function fill({ link }: ReturnType<typeof setup>): number {
  const piece = Buffer.alloc(pieceBytes);
  for (let count = 0; link.write(piece); count += 1) {
    if (count === 1000) throw new Error(`there was room for ${count} pieces`);
  }
  return link.pendingBytes;
}

test("a port where nobody listens is tried again 20 ms later, then less and less often, down to every 250 ms", async () => {
  const tries = await triesInVain();
  const waits = tries.slice(1).map((ms, index) => ms - (tries[index] ?? 0));
  expect(waits[0]).toBe(20);
  expect(waits).toEqual(waits.toSorted((a, b) => a - b));
  expect(waits[5]).toBeGreaterThan(100);
  expect(waits.at(-1)).toBe(250);
});

test("it is tried for 10 s, and then the process is asked to go", async () => {
  const tries = await triesInVain();
  expect(tries[0]).toBe(0);
  expect(tries.at(-1)).toBeGreaterThanOrEqual(10_000);
  expect(tries.at(-1)).toBeLessThan(10_250);
});

test.each([
  ["1 MiB", {}, mebibyte],
  ["64 KiB, where what is unread is kept for the next process,", { keepsUnread: true }, 64 * kibibyte],
])("more than %s that waits is too much, with a connection as without one", async (_, options, limit) => {
  const { start: port } = await freePorts(1);
  await using process = setup(port, options);
  expect(fill(process)).toBe(limit + pieceBytes);
  const listener = await listen(port);
  const [socket] = (await once(listener, "connection")) as [Socket];
  socket.resume();
  await until(() => process.link.pendingBytes === 0, "what waited to be taken");
  socket.pause();
  const waiting = fill(process);
  expect(waiting).toBeGreaterThan(limit);
  expect(waiting).toBeLessThanOrEqual(limit + pieceBytes);
  socket.destroy();
  listener.close();
});
