import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { FrameMode } from "../../../src/frame-modes.ts";
import { Connection } from "../../../src/room/connection.ts";
import { Conversation } from "../../../src/room/conversation.ts";
import { Memory } from "../../../src/room/memory.ts";
import { RoomLog } from "../../../src/room/room-log.ts";
import { SilenceWatch } from "../../../src/room/silence-watch.ts";
import {
  fakeContext,
  FakeClientLink,
  FakeLogger,
  FakeProcessLink,
  fakeRequest,
  noProcessEvents,
} from "../../helpers/fakes.ts";

const limitMs = 5000;

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test("silence is told once, the given time after the first word", () => {
  const { watch, told } = watched();
  vi.advanceTimersByTime(2 * limitMs);
  watch.start();
  vi.advanceTimersByTime(limitMs - 1);
  watch.start();
  expect(told()).toBe(0);
  vi.advanceTimersByTime(1);
  expect(told()).toBe(1);
  watch.start();
  vi.advanceTimersByTime(2 * limitMs);
  expect(told()).toBe(1);
  expect(vi.getTimerCount()).toBe(0);
});

test("who has said something is never silent, be it before or after the first word", () => {
  for (const spoken of ["before", "after"]) {
    const { watch, told } = watched();
    if (spoken === "before") watch.stop();
    watch.start();
    watch.stop();
    watch.start();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(2 * limitMs);
    expect(told()).toBe(0);
  }
});

test("a conversation explains buffering when its process stays silent", () => {
  const { logger, say } = conversation();
  say("hello");
  vi.advanceTimersByTime(limitMs);
  say("hello?");
  vi.advanceTimersByTime(2 * limitMs);
  expect(logger.lines).toEqual([expect.stringMatching(/^info .*python -u, stdbuf -oL or script\(1\)/)]);
});

test.each<[string, (conversation: Conversation) => void]>([
  ["the process says something", (talk) => talk.deliver(Buffer.from("x\n"))],
  ["the process closes its input", (talk) => talk.closeInput()],
  ["the process ends", (talk) => talk.end()],
  ["the last client leaves", (talk) => talk.finishInput()],
])("nothing is explained, and no timer is left, when %s", (_, happen) => {
  const { logger, talk, say } = conversation();
  say("hello");
  happen(talk);
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(2 * limitMs);
  expect(logger.lines).toEqual([]);
});

test.each<FrameMode>(["lines", "json", "streams"])("a conversation explains that no line has ended: %s", (framing) => {
  for (const isPrompted of [true, false]) {
    const { logger, talk, say } = conversation(framing);
    if (isPrompted) talk.deliver(Buffer.from("> "));
    say("{}");
    if (!isPrompted) talk.deliver(Buffer.from("> "));
    vi.advanceTimersByTime(2 * limitMs);
    expect(logger.lines).toEqual([
      expect.stringMatching(/^info .* no message has come to its end yet, .* --binary and --delimiters/),
    ]);
  }
});

test.each<[FrameMode, readonly string[]]>([
  ["lines", ["x", "\n> "]],
  ["json", ["{", "}\n> "]],
  ["raw", ["x"]],
  ["gwsocket", ["x"]],
])("nothing is explained once a line has ended, or where there are none: %s", (framing, chunks) => {
  const { logger, talk, say } = conversation(framing);
  say("{}");
  for (const chunk of chunks) talk.deliver(Buffer.from(chunk));
  expect(vi.getTimerCount()).toBe(0);
  expect(logger.lines).toEqual([]);
});

test("a process whose stderr clients get has said something there", () => {
  const { logger, talk, say } = conversation("streams");
  say("hello");
  talk.deliverErrors(Buffer.from("x\n"));
  vi.advanceTimersByTime(2 * limitMs);
  expect(logger.lines).toEqual(["info stderr: x"]);
});

test("a message that the process does not get starts nothing", () => {
  const { say } = conversation("json");
  say("no object");
  // One is that of the log of dropped messages.
  expect(vi.getTimerCount()).toBe(1);
  say("{}");
  expect(vi.getTimerCount()).toBe(2);
});

test("a raw message without a byte starts nothing", () => {
  const { say } = conversation("raw");
  say("");
  expect(vi.getTimerCount()).toBe(0);
  say("x");
  expect(vi.getTimerCount()).toBe(1);
});

function watched(): { watch: SilenceWatch; told: () => number } {
  let count = 0;
  const watch = new SilenceWatch(limitMs, () => {
    count += 1;
  });
  return { watch, told: () => count };
}

const nothing = (): void => undefined;

/** A process and its one client. */
function conversation(framing: FrameMode = "lines") {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const logger = new FakeLogger();
  const context = fakeContext({ logger, framing, silenceMs: limitMs });
  const log = new RoomLog(logger, "room");
  const connections = new Map<number, Connection>();
  const talk = new Conversation(
    context,
    log,
    connections,
    { onFault: nothing, onProcessCaughtUp: nothing },
    new Memory(undefined, "room"),
  );
  const owner = {
    receive: (sender: Connection, payload: Buffer, isBinary: boolean) => talk.receive(sender, payload, isBinary),
    fellBehind: () => undefined,
    caughtUp: () => undefined,
    leave: () => undefined,
  };
  const connection = new Connection(1, owner, context.limits, context.counters);
  connection.open(new FakeClientLink());
  talk.join(connection, fakeRequest());
  connections.set(1, connection);
  talk.open(new FakeProcessLink(noProcessEvents));
  return { logger, talk, say: (text: string) => connection.onMessage(Buffer.from(text), false) };
}
