import { describe, expect, test } from "vitest";
import { Inbox } from "../../../src/room/inbox.ts";
import { FakeProcessLink, noProcessEvents, turnEnd } from "../../helpers/fakes.ts";

const limitBytes = 1024 * 1024;
const pipeBytes = 64 * 1024;

/** An inbox and its process, and how often the inbox has said that there is room again. */
class Setup {
  roomAgain = 0;
  readonly process = new FakeProcessLink(noProcessEvents);
  readonly inbox: Inbox;

  constructor({ isKept = false } = {}) {
    this.inbox = new Inbox(() => {
      this.roomAgain += 1;
    }, isKept);
  }

  /** One write each. */
  get written(): string[] {
    return this.process.writes.map(String);
  }

  /** Appends messages as framings do. */
  add(...messages: readonly string[]): void {
    for (const message of messages) {
      this.inbox.out.append(Buffer.from(message));
      this.inbox.changed();
    }
  }

  /** Appends a join or leave message. */
  notice(text: string): void {
    const start = this.inbox.out.length;
    this.inbox.out.append(Buffer.from(text));
    this.inbox.noticed(start);
  }

  /** Opens the inbox to a process that takes one write more than it has room for. */
  fill(): void {
    this.inbox.open(this.process);
    this.process.hasRoom = false;
    this.add("first ");
  }
}

test("what comes before the process waits for it and then goes in one write", async () => {
  const setup = new Setup();
  setup.add("a", "b");
  await turnEnd();
  expect(setup.written).toEqual([]);

  setup.inbox.open(setup.process);
  expect(setup.written).toEqual(["ab"]);
});

test("the messages of one turn go in one write, those of the next in another", async () => {
  const setup = new Setup();
  setup.inbox.open(setup.process);
  setup.add("a", "b");
  expect(setup.written).toEqual([]);
  await turnEnd();
  expect(setup.written).toEqual(["ab"]);

  setup.add("c");
  await turnEnd();
  expect(setup.written).toEqual(["ab", "c"]);
});

test("nothing is written where nothing was said", async () => {
  const setup = new Setup();
  setup.inbox.open(setup.process);
  await turnEnd();
  setup.inbox.onWritable();
  setup.inbox.finish();
  expect(setup.written).toEqual([]);
});

test("while the process has no room messages are gathered, and go when it has room again", async () => {
  const setup = new Setup();
  setup.fill();
  await turnEnd();
  setup.add("second ", "third");
  await turnEnd();
  expect(setup.written).toEqual(["first "]);

  setup.process.hasRoom = true;
  setup.inbox.onWritable();
  expect(setup.written).toEqual(["first ", "second third"]);
});

test("an inbox is full from the write that was one too many until the process has room", async () => {
  const setup = new Setup();
  setup.fill();
  expect(setup.inbox.isFull).toBe(false);
  await turnEnd();
  expect(setup.inbox.isFull).toBe(true);
  const before = setup.roomAgain;

  setup.inbox.onWritable();
  expect(setup.inbox.isFull).toBe(false);
  expect(setup.roomAgain).toBe(before + 1);
});

test("an inbox stays full where what was gathered fills the process again", async () => {
  const setup = new Setup();
  setup.fill();
  await turnEnd();
  setup.add("second");
  const before = setup.roomAgain;

  setup.inbox.onWritable();
  expect(setup.written).toEqual(["first ", "second"]);
  expect(setup.inbox.isFull).toBe(true);
  expect(setup.roomAgain).toBe(before);
});

test("an inbox that waits for its process is full beyond the limit, and says so when there is room again", () => {
  const setup = new Setup();
  setup.add("x".repeat(limitBytes));
  expect(setup.inbox.isFull).toBe(false);
  setup.add("x");
  expect(setup.inbox.isFull).toBe(true);
  expect(setup.roomAgain).toBe(0);

  setup.inbox.open(setup.process);
  expect(setup.inbox.isFull).toBe(false);
  expect(setup.roomAgain).toBe(1);
});

test("an inbox whose process is filled by what has waited does not say that there is room", () => {
  const setup = new Setup();
  setup.add("x".repeat(limitBytes + 1));
  setup.process.hasRoom = false;
  setup.inbox.open(setup.process);
  expect(setup.inbox.isFull).toBe(true);
  expect(setup.roomAgain).toBe(0);
});

test("an inbox is full beyond the limit within one turn too, and says when there is room again", async () => {
  const setup = new Setup();
  setup.fill();
  await turnEnd();
  const before = setup.roomAgain;
  setup.add("x".repeat(limitBytes + 1));
  expect(setup.inbox.isFull).toBe(true);

  setup.process.hasRoom = true;
  setup.inbox.onWritable();
  expect(setup.inbox.isFull).toBe(false);
  expect(setup.roomAgain).toBe(before + 1);
});

test("much goes to the process before the turn is over, and one that has no room for it makes the inbox full", async () => {
  const setup = new Setup();
  setup.inbox.open(setup.process);
  const part = "x".repeat(pipeBytes / 2);
  setup.add(part, part, part);
  expect(setup.written).toEqual([part + part]);
  expect(setup.inbox.isFull).toBe(false);

  setup.process.hasRoom = false;
  setup.add(part);
  expect(setup.inbox.isFull).toBe(true);
  await turnEnd();
  expect(setup.written).toEqual([part + part, part + part]);
});

test("what waits in the link stays as it is, and its memory is used again when it has gone on", async () => {
  const setup = new Setup();
  setup.inbox.open(setup.process);
  setup.process.pendingBytes = 1;
  const texts = ["a", "b", "c", "d", "e"].map((letter) => letter.repeat(pipeBytes));
  setup.add(...texts.slice(0, 3));
  expect(setup.written).toEqual(texts.slice(0, 3));
  const memory = setup.process.writes.map(({ buffer }) => buffer);
  expect(new Set(memory).size).toBe(3);

  setup.process.pendingBytes = 0;
  setup.inbox.onWritable();
  setup.process.pendingBytes = 1;
  setup.add(...texts.slice(3));
  expect(setup.written.slice(3)).toEqual(texts.slice(3));
  for (const { buffer } of setup.process.writes.slice(3)) expect(memory).toContain(buffer);
});

test("what waits is written when the inbox is finished, without waiting for the turn's end, and only once", async () => {
  const setup = new Setup();
  setup.inbox.open(setup.process);
  setup.add("last");
  setup.inbox.finish();
  expect(setup.written).toEqual(["last"]);
  expect(setup.inbox.isOpen).toBe(false);

  await turnEnd();
  setup.inbox.onWritable();
  expect(setup.written).toEqual(["last"]);
  expect(setup.inbox.isOpen).toBe(false);
});

test("what waits is written when the inbox is finished although the process has no room", async () => {
  const setup = new Setup();
  setup.fill();
  await turnEnd();
  setup.add("second ", "last");
  setup.inbox.finish();
  expect(setup.written).toEqual(["first ", "second last"]);
});

test("an inbox that is finished before its process is there gives it all that waits", () => {
  const setup = new Setup();
  setup.add("a", "b");
  setup.inbox.finish();
  setup.inbox.open(setup.process);
  expect(setup.written).toEqual(["ab"]);
  expect(setup.inbox.isOpen).toBe(false);
});

test("a closed inbox tells how many messages were not written, and writes none of them", async () => {
  const setup = new Setup();
  setup.fill();
  await turnEnd();
  setup.add("second", "third");
  expect(setup.inbox.close()).toBe(2);
  expect(setup.inbox.isOpen).toBe(false);

  setup.inbox.onWritable();
  await turnEnd();
  expect(setup.written).toEqual(["first "]);
  expect(setup.inbox.isOpen).toBe(false);
});

test("an inbox that is closed before the turn is over stays closed", async () => {
  const setup = new Setup();
  setup.inbox.open(setup.process);
  setup.add("a");
  setup.inbox.close();
  await turnEnd();
  expect(setup.written).toEqual([]);
  expect(setup.inbox.isOpen).toBe(false);
});

test("messages that were written are not counted as unread when the inbox is closed", async () => {
  const setup = new Setup();
  setup.inbox.open(setup.process);
  setup.add("a", "b");
  await turnEnd();
  setup.add("c");
  expect(setup.inbox.close()).toBe(1);
  expect(setup.inbox.close()).toBe(0);
});

test.each([false, true])("join and leave messages are not counted as unread (kept: %s)", (isKept) => {
  const setup = new Setup({ isKept });
  setup.notice("+1");
  setup.add("a");
  setup.notice("-1");
  expect(setup.inbox.close()).toBe(1);
});

test("a full inbox says that there is room when it is closed, since nobody has to wait any more", async () => {
  const setup = new Setup();
  setup.fill();
  await turnEnd();
  const before = setup.roomAgain;
  setup.inbox.close();
  expect(setup.roomAgain).toBe(before + 1);
  expect(setup.inbox.isFull).toBe(false);
});

test("what waits for a process that never came is let go when the inbox is closed", () => {
  const setup = new Setup();
  setup.add("a");
  expect(setup.inbox.close()).toBe(1);
  setup.inbox.open(setup.process);
  expect(setup.written).toEqual([]);
});

describe("an inbox that keeps what is not read", () => {
  const kept = { isKept: true };

  test("hands over a large backlog in batches, while the process has room", () => {
    const setup = new Setup(kept);
    setup.add("x".repeat(70_000), "y".repeat(70_000), "rest");
    setup.process.hasRoom = false;
    setup.inbox.open(setup.process);
    expect(setup.written).toEqual(["x".repeat(70_000)]);
    setup.process.hasRoom = true;
    setup.inbox.onWritable();
    expect(setup.written.slice(1)).toEqual(["y".repeat(70_000), "rest"]);
  });

  test("gathers on when it is held, and says that there is room for that", async () => {
    const setup = new Setup(kept);
    setup.fill();
    await turnEnd();
    expect(setup.inbox.isFull).toBe(true);
    const before = setup.roomAgain;
    setup.inbox.hold();
    expect(setup.roomAgain).toBe(before + 1);
    setup.add("second");
    setup.inbox.onWritable();
    setup.inbox.finish();
    await turnEnd();
    expect(setup.inbox).toMatchObject({ isOpen: true, isFull: false, reachesProcess: false });
    setup.add("x".repeat(limitBytes));
    expect(setup.inbox.isFull).toBe(true);
    expect(setup.written).toEqual(["first "]);
    expect(setup.inbox.close()).toBe(2);
  });

  test("stays closed when it is held", () => {
    const setup = new Setup(kept);
    setup.inbox.close();
    setup.inbox.hold();
    expect(setup.inbox.isOpen).toBe(false);
  });

  test("gives what was not read to the next one, where it comes behind what that has already", async () => {
    const setup = new Setup(kept);
    setup.inbox.open(setup.process);
    setup.add("read ", "unread ");
    await turnEnd();
    setup.add("waiting ");
    const next = new Setup(kept);
    next.add("+1 ");
    next.inbox.append(setup.inbox.take("unread ".length));
    next.add("last");
    next.inbox.open(next.process);
    expect(next.process.input).toBe("+1 unread waiting last");
    expect(setup.inbox.isOpen).toBe(false);
  });

  test("that is finished before its process is there gives it all that waits", () => {
    const setup = new Setup(kept);
    setup.process.hasRoom = false;
    setup.add("x".repeat(70_000), "rest");
    setup.inbox.finish();
    setup.inbox.open(setup.process);
    expect(setup.process.writes.map(({ length }) => length)).toEqual([70_000, 4]);
  });
});
