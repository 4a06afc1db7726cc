import { expect, test } from "vitest";
import type { DropReason } from "../../../src/drop-reasons.ts";
import { Connection, type ConnectionOwner } from "../../../src/room/connection.ts";
import { Conversation } from "../../../src/room/conversation.ts";
import type { ConversationOwner } from "../../../src/room/conversation-owner.ts";
import { Histories } from "../../../src/room/histories.ts";
import { Memory } from "../../../src/room/memory.ts";
import type { RoomContext } from "../../../src/room/room-context.ts";
import { RoomLog } from "../../../src/room/room-log.ts";
import {
  fakeContext,
  type FakeContextOptions,
  FakeClientLink,
  FakeLogger,
  FakeProcessLink,
  fakeRequest,
  noProcessEvents,
  turnEnd,
} from "../../helpers/fakes.ts";

const inboxBytes = 1024 * 1024;
/** A line that is more than may wait for a client. */
const burst = "x".repeat(60);
const slow = { clientBufferBytes: 50 };

/** One conversation: clients that join and leave as in a room, and a process that may come late. */
class Setup implements ConnectionOwner, ConversationOwner {
  readonly context;
  readonly faults: string[] = [];
  processCaughtUp = 0;
  readonly connections = new Map<number, Connection>();
  readonly memory: Memory;
  readonly conversation: Conversation;
  readonly process = new FakeProcessLink(noProcessEvents);

  constructor(options: FakeContextOptions = {}, others: Partial<RoomContext> = {}) {
    this.context = { ...fakeContext(options), ...others };
    this.memory = new Memory(this.context.histories, "room");
    this.conversation = this.newConversation();
  }

  newConversation(): Conversation {
    return new Conversation(
      this.context,
      new RoomLog(this.context.logger, "room"),
      this.connections,
      this,
      this.memory,
    );
  }

  /** A client joins; returns its link and how it speaks. */
  join(id: number): { link: FakeClientLink; connection: Connection; say: (text: string | Buffer) => void } {
    const connection = new Connection(id, this, this.context.limits, this.context.counters);
    const link = new FakeClientLink();
    connection.open(link);
    this.conversation.flush();
    this.conversation.join(connection, fakeRequest());
    this.connections.set(id, connection);
    return { link, connection, say: (text) => connection.onMessage(Buffer.from(text), typeof text !== "string") };
  }

  open(): void {
    this.conversation.open(this.process);
  }

  /** The process writes these bytes. */
  async deliver(output: string): Promise<void> {
    this.conversation.deliver(Buffer.from(output));
    await turnEnd();
  }

  /** Lets the process have no room for more than one write, and fills that. */
  async fillProcess(say: (text: string) => void): Promise<void> {
    this.process.hasRoom = false;
    say("filling");
    await turnEnd();
  }

  /** The process reads what waits for it. */
  read(): void {
    this.process.hasRoom = true;
    this.conversation.onWritable();
  }

  get input(): string[] {
    return this.process.input.split("\n").slice(0, -1);
  }

  dropped(reason: DropReason): number {
    return this.context.counters.dropped[reason];
  }

  onFault(fault: string): void {
    this.faults.push(fault);
  }

  onProcessCaughtUp(): void {
    this.processCaughtUp += 1;
  }

  receive(connection: Connection, payload: Buffer, isBinary: boolean): void {
    this.conversation.receive(connection, payload, isBinary);
  }

  fellBehind(connection: Connection): void {
    this.conversation.fellBehind(connection);
  }

  caughtUp(connection: Connection): void {
    this.conversation.caughtUp(connection);
  }

  leave(connection: Connection): void {
    this.connections.delete(connection.id);
    this.conversation.leave(connection);
  }
}

test("what clients say reaches the process in the order in which they said it", async () => {
  const setup = new Setup({ framing: "json" });
  const first = setup.join(1);
  const second = setup.join(2);
  setup.open();
  first.say(`{"n":1}`);
  second.say(`{"n":2}`);
  first.say(`{"n":3}`);
  await turnEnd();
  expect(setup.input).toEqual([`{"id":1,"n":1}`, `{"id":2,"n":2}`, `{"id":1,"n":3}`]);
});

test("what clients say before the process is there reaches it when it comes", async () => {
  const setup = new Setup();
  setup.join(1).say("early");
  await turnEnd();
  setup.open();
  expect(setup.input).toEqual(["early"]);
});

test.each(["never", "always"] as const)(
  "with --restart=%s raw messages without a byte neither wait for the process nor count as dropped",
  (restart) => {
    const setup = new Setup({ framing: "raw", restart }, { joinMessage: () => Buffer.of() });
    const { say } = setup.join(1);
    for (let count = 0; count < 1000; count += 1) say(Buffer.of());
    setup.conversation.discard();
    expect(setup.dropped("input_closed")).toBe(0);
  },
);

test("what the process writes reaches all clients, also where a line is cut", async () => {
  const setup = new Setup();
  const first = setup.join(1);
  await setup.deliver("one\ntw");
  const second = setup.join(2);
  await setup.deliver("o\n");
  expect(first.link.messages).toEqual(["one", "two"]);
  expect(second.link.messages).toEqual(["two"]);
});

test("a client gets nothing that was written before it joined", async () => {
  const setup = new Setup();
  const first = setup.join(1);
  const delivered = setup.deliver("before\n");
  const second = setup.join(2);
  await delivered;
  await setup.deliver("after\n");
  expect(first.link.messages).toEqual(["before", "after"]);
  expect(second.link.messages).toEqual(["after"]);
});

test("a last line without its end is delivered when the output is over", async () => {
  const setup = new Setup();
  const { link } = setup.join(1);
  await setup.deliver("one\nlast");
  expect(link.messages).toEqual(["one"]);
  setup.conversation.end();
  expect(link.messages).toEqual(["one", "last"]);
});

test("a join message is the first that the process hears of a client, and the leave message the last", async () => {
  const setup = new Setup({ hasNotices: true });
  const first = setup.join(1);
  first.say("hello from 1");
  const second = setup.join(2);
  setup.open();
  second.say("hello from 2");
  await turnEnd();
  first.say("bye from 1");
  first.connection.onClose();
  first.say("from beyond");
  second.say("still here");
  await turnEnd();
  expect(setup.input).toEqual(["+1", "hello from 1", "+2", "hello from 2", "bye from 1", "-1", "still here"]);
});

test("a client that leaves before the process is there is announced and said goodbye to all the same", () => {
  const setup = new Setup({ hasNotices: true });
  setup.join(1).connection.onClose();
  setup.open();
  expect(setup.input).toEqual(["+1", "-1"]);
});

test("the leave message comes last also when the process has no room", async () => {
  const setup = new Setup({ hasNotices: true });
  const { connection, say } = setup.join(1);
  setup.open();
  await setup.fillProcess(say);
  say("waiting");
  connection.onClose();
  setup.conversation.finishInput();
  expect(setup.input).toEqual(["+1", "filling", "waiting", "-1"]);
});

test("a notice after the end of the input goes nowhere", () => {
  const setup = new Setup({ hasNotices: true });
  setup.open();
  const { connection } = setup.join(1);
  setup.conversation.finishInput();
  connection.onClose();
  setup.join(2);
  setup.conversation.end();
  expect(setup.input).toEqual(["+1"]);
  expect(setup.dropped("input_closed")).toBe(0);
});

test("a message that the framing refuses is counted and logged, and the client may go on", async () => {
  const logger = new FakeLogger();
  const setup = new Setup({ framing: "json", logger });
  setup.open();
  const { link, say } = setup.join(1);
  say("no object");
  say(`{"a":1}`);
  await turnEnd();
  expect(setup.input).toEqual([`{"id":1,"a":1}`]);
  expect(setup.dropped("not_json_object")).toBe(1);
  expect(logger.lines).toEqual([expect.stringMatching(/^warn message dropped: .*not a JSON object/)]);
  expect(link.closedWith).toBeUndefined();
});

test("many refused messages do not fill the log", () => {
  const logger = new FakeLogger();
  const setup = new Setup({ framing: "json", logger });
  const { say } = setup.join(1);
  for (let count = 0; count < 1000; count += 1) say("no object");
  expect(setup.dropped("not_json_object")).toBe(1000);
  expect(logger.lines).toHaveLength(1);
});

test("a message of the process that is for nobody in particular is dropped, counted and logged", async () => {
  const logger = new FakeLogger();
  const setup = new Setup({ framing: "json", logger });
  const { link } = setup.join(1);
  await setup.deliver(`{"id":"1"}\n{"id":1}\n`);
  expect(link.messages).toEqual([`{"id":1}`]);
  expect(setup.dropped("invalid_id")).toBe(1);
  expect(logger.lines).toHaveLength(1);
});

test("clients are not read while the process has no room, until it has again", async () => {
  const setup = new Setup();
  const first = setup.join(1);
  const second = setup.join(2);
  setup.open();
  await setup.fillProcess(first.say);
  expect(first.link.isPaused).toBe(false);
  second.say("one more");
  expect([first.link.isPaused, second.link.isPaused]).toEqual([true, true]);
  expect(setup.context.counters.inputPauses).toBe(1);

  setup.read();
  expect([first.link.isPaused, second.link.isPaused]).toEqual([false, false]);
  expect(setup.input).toEqual(["filling", "one more"]);
});

test("clients pause and go on again as often as the process falls behind", async () => {
  const setup = new Setup();
  const { link, say } = setup.join(1);
  setup.open();
  for (let round = 1; round <= 3; round += 1) {
    await setup.fillProcess(say);
    say("one more");
    expect(link.isPaused).toBe(true);
    setup.read();
    expect(link.isPaused).toBe(false);
    expect(setup.context.counters.inputPauses).toBe(round);
  }
});

test("messages that were read already while clients pause are not lost, and pause nobody again", async () => {
  const setup = new Setup();
  const { say } = setup.join(1);
  setup.open();
  await setup.fillProcess(say);
  for (const text of ["a", "b", "c"]) say(text);
  expect(setup.context.counters.inputPauses).toBe(1);
  setup.read();
  expect(setup.input).toEqual(["filling", "a", "b", "c"]);
});

test("a client that joins while the others pause is paused too", async () => {
  const setup = new Setup();
  const { say } = setup.join(1);
  setup.open();
  await setup.fillProcess(say);
  say("one more");
  const late = setup.join(2);
  expect(late.link.isPaused).toBe(true);
  setup.read();
  expect(late.link.isPaused).toBe(false);
});

test("a client that joins when all others pause and have left does not wait for ever", async () => {
  const setup = new Setup({ hasNotices: true });
  const first = setup.join(1);
  setup.open();
  await setup.fillProcess(first.say);
  first.say("one more");
  const late = setup.join(2);
  first.connection.onClose();
  setup.read();
  expect(late.link.isPaused).toBe(false);
  expect(setup.input).toEqual(["+1", "filling", "one more", "+2", "-1"]);
});

test("clients that say more than the limit before the process is there pause until it comes", () => {
  const setup = new Setup();
  const { link, say } = setup.join(1);
  say("x".repeat(inboxBytes - 1));
  expect(link.isPaused).toBe(false);
  say("");
  expect(link.isPaused).toBe(true);
  setup.open();
  expect(link.isPaused).toBe(false);
});

test("clients that pause go on pausing while they wait for the next process, as one pause", () => {
  const setup = new Setup({ restart: "always" }, { joinMessage: () => Buffer.alloc(inboxBytes) });
  const { link } = setup.join(1);
  const next = setup.newConversation();
  next.succeed(setup.conversation, 0);
  expect(link.isPaused).toBe(true);
  expect(setup.context.counters.inputPauses).toBe(1);
  next.open(setup.process);
  expect(link.isPaused).toBe(false);
});

test("clients go on when the process closes its input, what they say is dropped and counted, and they hear the rest", async () => {
  const setup = new Setup();
  const { link, say } = setup.join(1);
  setup.open();
  await setup.fillProcess(say);
  say("unread");
  expect(link.isPaused).toBe(true);

  setup.conversation.closeInput();
  expect(link.isPaused).toBe(false);
  expect(setup.dropped("input_closed")).toBe(1);
  say("into the void");
  say("and again");
  expect(setup.dropped("input_closed")).toBe(3);
  await setup.deliver("still talking\n");
  expect(link.messages).toEqual(["still talking"]);
  expect(link.closedWith).toBeUndefined();
});

test("messages to a process that could not be started are counted", () => {
  const setup = new Setup();
  const { say } = setup.join(1);
  say("one");
  say("two");
  setup.conversation.closeInput();
  expect(setup.dropped("input_closed")).toBe(2);
});

test("the process is not read while a client is behind, until that client has caught up", async () => {
  const setup = new Setup({ limits: slow });
  setup.open();
  const { link } = setup.join(1);
  link.isSlow = true;
  await setup.deliver(`${burst}\n`);
  expect(setup.process.isPaused).toBe(true);
  expect(setup.context.counters.outputPauses).toBe(1);
  link.take();
  expect(setup.process.isPaused).toBe(false);
});

test("what was read already reaches all clients in order, also the one that is behind", async () => {
  const setup = new Setup({ limits: slow });
  setup.open();
  const behind = setup.join(1);
  const other = setup.join(2);
  behind.link.isSlow = true;
  await setup.deliver(`${burst}\n`);
  await setup.deliver("a\nb\n");
  expect(behind.link.messages).toEqual([burst, "a", "b"]);
  expect(other.link.messages).toEqual([burst, "a", "b"]);
  expect(setup.context.counters.outputPauses).toBe(1);
});

test("of several clients that are behind the last one to catch up or leave lets the process go on", async () => {
  const setup = new Setup({ limits: slow });
  setup.open();
  const [first, second, third] = [setup.join(1), setup.join(2), setup.join(3)];
  for (const { link } of [first, second, third]) link.isSlow = true;
  await setup.deliver(`${burst}\n`);
  expect(setup.context.counters.outputPauses).toBe(1);
  second.link.take();
  expect(setup.process.isPaused).toBe(true);
  first.connection.onClose();
  expect(setup.process.isPaused).toBe(true);
  third.link.take();
  expect(setup.process.isPaused).toBe(false);
});

test("a client that is not behind changes nothing when it leaves", async () => {
  const setup = new Setup({ limits: slow });
  setup.open();
  const behind = setup.join(1);
  const other = setup.join(2);
  behind.link.isSlow = true;
  await setup.deliver(`${burst}\n`);
  other.connection.onClose();
  expect(setup.process.isPaused).toBe(true);
});

test.each(["close", "drop"] as const)("with --slow=%s the process is never paused", async (slowPolicy) => {
  const setup = new Setup({ limits: { ...slow, slow: slowPolicy } });
  setup.open();
  const { link } = setup.join(1);
  link.isSlow = true;
  await setup.deliver(`${burst}\n`);
  await setup.deliver(`${burst}\n`);
  expect(setup.process.isPaused).toBe(false);
  expect(setup.context.counters.outputPauses).toBe(0);
});

test.each(["process", "client"])(
  "both may wait for each other, and when the %s goes on so does the other",
  async (first) => {
    const setup = new Setup({ limits: slow });
    const { link, say } = setup.join(1);
    setup.open();
    await setup.fillProcess(say);
    say("one more");
    link.isSlow = true;
    await setup.deliver(`${burst}\n`);
    expect([link.isPaused, setup.process.isPaused]).toEqual([true, true]);

    const steps = [(): void => setup.read(), (): void => link.take()];
    const [one, another] = first === "process" ? steps : steps.toReversed();
    one?.();
    expect([link.isPaused, setup.process.isPaused]).toEqual(first === "process" ? [false, true] : [true, false]);
    another?.();
    expect([link.isPaused, setup.process.isPaused]).toEqual([false, false]);
    expect(setup.input).toEqual(["filling", "one more"]);
    expect(link.messages).toEqual([burst]);
  },
);

test.each(["deliver", "deliverErrors"] as const)(
  "what %s gathers is sent once that is enough for a write",
  (deliver) => {
    const setup = new Setup({ framing: "streams" });
    const { link } = setup.join(1);
    const much = Buffer.from(`${burst}\n`.repeat(5000));
    setup.conversation[deliver](much);
    expect(link.writes).toHaveLength(0);
    setup.conversation[deliver](much);
    expect(link.writes).toHaveLength(1);
  },
);

test("output that cannot be read on from is a fault; what came before it is delivered, and nothing after it", async () => {
  const setup = new Setup();
  const { link } = setup.join(1);
  await setup.deliver(`good\n${"x".repeat(65)}`);
  expect(setup.faults).toEqual(["process wrote a line of more than 64 bytes"]);
  await setup.deliver("\nmore\n");
  setup.conversation.end();
  expect(link.messages).toEqual(["good"]);
  expect(setup.faults).toHaveLength(1);
});

function histories(kept: "all" | "tagged" = "all", messages = 3): Histories {
  return new Histories(kept, { maxMessages: messages, maxBytes: 1 << 20 }, false);
}

test("who joins gets the last messages, then what is newer, none twice and none missing", async () => {
  const setup = new Setup({ histories: histories() });
  const first = setup.join(1);
  await setup.deliver("1\n2\n3\n4\nhal");
  // Of the same turn of the event loop: not sent to anybody yet.
  const delivered = setup.deliver("f\n6\n");
  const second = setup.join(2);
  const more = setup.deliver("7\n");
  await delivered;
  await more;
  expect(first.link.messages).toEqual(["1", "2", "3", "4", "half", "6", "7"]);
  expect(second.link.messages).toEqual(["4", "half", "6", "7"]);
  expect(second.link.writes[0]).toHaveLength(setup.memory.history?.pieces.length ?? 0);
});

test("who joins gets nothing where nothing was said", () => {
  const setup = new Setup({ histories: histories() });
  expect(setup.join(1).link.writes).toEqual([]);
});

test("messages for some are not kept", async () => {
  const setup = new Setup({ framing: "json", histories: histories() });
  setup.join(1);
  await setup.deliver(`{"id":1}\n{"_to":[1]}\n{"_except":1}\n{"id":null,"a":1}\n`);
  expect(setup.join(2).link.messages).toEqual([`{"id":null,"a":1}`]);
});

test("clients can be closed by what the process writes, also all of them, and the rest is for nobody", async () => {
  const setup = new Setup({ framing: "json", hasNotices: true });
  const first = setup.join(1);
  const second = setup.join(2);
  setup.open();
  await setup.deliver(`{"n":1}\n{"id":1,"_close":4001,"_reason":"out"}\n{"n":2}\n{"_close":1000}\n{"n":3}\n`);
  expect(first.link.messages).toEqual([`{"n":1}`]);
  expect(first.link.closedWith).toEqual({ code: 4001, reason: "out" });
  expect(second.link.messages).toEqual([`{"n":1}`, `{"n":2}`]);
  expect(second.link.closedWith).toEqual({ code: 1000, reason: "" });
  expect(setup.connections.size).toBe(0);
  expect(setup.input).toEqual(["+1", "+2", "-1", "-2"]);
});

test("metadata is remembered, and no client gets it", async () => {
  const setup = new Setup({ framing: "json" });
  const { link } = setup.join(1);
  await setup.deliver(`{"_meta":true,"a":1}\n{"b":2}\n`);
  expect(setup.memory.metadata).toBe(`{"a":1}`);
  expect(link.messages).toEqual([`{"b":2}`]);
});
