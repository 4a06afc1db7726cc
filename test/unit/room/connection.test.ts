import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { closeCodes } from "../../../src/close-codes.ts";
import { Connection, type ConnectionLimits, type ConnectionOwner } from "../../../src/room/connection.ts";
import { Counters } from "../../../src/room/counters.ts";
import { FakeClientLink, noRates } from "../../helpers/fakes.ts";

const limits: ConnectionLimits = {
  slow: "pause",
  clientBufferBytes: 100,
  slowTimeoutMs: 1000,
  ...noRates,
};
/** One byte more than may wait. */
const tooMuch = Buffer.from(`t97:${"x".repeat(97)}`);
const small = Buffer.from("t1:x");

/** One open connection; what it tells its room is kept as words. */
class Setup implements ConnectionOwner {
  readonly told: string[] = [];
  readonly counters = new Counters();
  readonly link = new FakeClientLink();
  readonly connection: Connection;

  constructor(changed: Partial<ConnectionLimits> = {}) {
    this.connection = new Connection(7, this, { ...limits, ...changed }, this.counters);
    this.connection.open(this.link);
  }

  receive({ id }: Connection, payload: Buffer, isBinary: boolean): void {
    this.told.push(`${id} says ${String(payload)}${isBinary ? " as binary" : ""}`);
  }

  fellBehind({ id }: Connection): void {
    this.told.push(`${id} fell behind`);
  }

  caughtUp({ id }: Connection): void {
    this.told.push(`${id} caught up`);
  }

  leave({ id }: Connection): void {
    this.told.push(`${id} left`);
  }

  /** Fills the client's buffer to more than it holds. */
  overfill(): void {
    this.link.isSlow = true;
    this.connection.deliver(tooMuch, 1);
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test("messages of the client reach the room as they came, and are counted", () => {
  const { connection, told, counters } = new Setup();
  connection.onMessage(Buffer.from("one"), false);
  connection.onMessage(Buffer.from("two!"), true);
  expect(told).toEqual(["7 says one", "7 says two! as binary"]);
  expect(counters).toMatchObject({ messagesReceived: 2, bytesReceived: 7 });
});

test("what is delivered is written at once, and counted with all its messages", () => {
  const { connection, link, counters } = new Setup();
  connection.deliver(Buffer.from("t1:at1:b"), 2);
  expect(link.messages).toEqual(["a", "b"]);
  expect(counters).toMatchObject({ messagesSent: 2, bytesSent: 8 });
});

test("several pieces are handed over in one call, and counted together", () => {
  const { connection, link, counters } = new Setup();
  connection.deliverAll([Buffer.from("t1:a"), Buffer.from("t1:bt1:c")], 3);
  expect(link.writes).toEqual([[Buffer.from("t1:a"), Buffer.from("t1:bt1:c")]]);
  expect(counters).toMatchObject({ messagesSent: 3, bytesSent: 12 });
});

test("a client that is gone leaves once, and hears and says nothing more", () => {
  const { connection, link, told, counters } = new Setup();
  connection.onClose();
  connection.onClose();
  connection.close(1000, "over");
  connection.deliver(small, 1);
  connection.deliverAll([small], 1);
  connection.onMessage(Buffer.from("late"), false);
  expect(told).toEqual(["7 left"]);
  expect(link).toMatchObject({ writes: [], closedWith: undefined });
  expect(counters).toMatchObject({ messagesSent: 0, messagesReceived: 0 });
});

test("a client that is closed is told why, and has left before its connection is gone", () => {
  const { connection, link, told } = new Setup();
  connection.close(1011, "process exited with code 3");
  expect(link.closedWith).toEqual({ code: 1011, reason: "process exited with code 3" });
  expect(told).toEqual(["7 left"]);

  connection.onClose();
  connection.onMessage(Buffer.from("late"), false);
  expect(told).toEqual(["7 left"]);
});

test("a client that is gone the moment it is closed leaves once", () => {
  const { connection, link, told } = new Setup();
  link.close = () => connection.onClose();
  connection.close(1000, "over");
  expect(told).toEqual(["7 left"]);
});

test("a client's reading is paused and resumed as the room wants", () => {
  const { connection, link } = new Setup();
  connection.pause();
  expect(link.isPaused).toBe(true);
  connection.resume();
  expect(link.isPaused).toBe(false);
});

function sendTooMuch(connection: Connection, count = 12): void {
  for (let sent = 0; sent < count; sent += 1) connection.onMessage(Buffer.from("x"), false);
}

describe("a client that sends more than it may", () => {
  const rates = { messageRate: 10, burstMs: 1000, rateGraceMs: 5000 };

  test("is not read until it has paid for that with time, and loses nothing", () => {
    const { connection, link, told, counters } = new Setup(rates);
    sendTooMuch(connection, 10);
    expect(link.isPaused).toBe(false);
    sendTooMuch(connection, 2);
    expect(link.isPaused).toBe(true);
    expect(told).toHaveLength(12);
    vi.advanceTimersByTime(200);
    expect(link.isPaused).toBe(false);
    expect(counters).toMatchObject({ ratePauses: 1, rateClosed: 0, messagesReceived: 12 });
  });

  test("is not read either when the room could be read again", () => {
    const { connection, link } = new Setup(rates);
    sendTooMuch(connection);
    connection.pause();
    connection.resume();
    expect(link.isPaused).toBe(true);
    vi.advanceTimersByTime(200);
    expect(link.isPaused).toBe(false);
  });

  test("is not read when it has paid, as long as the room has no place", () => {
    const { connection, link } = new Setup(rates);
    connection.pause();
    sendTooMuch(connection);
    vi.advanceTimersByTime(200);
    expect(link.isPaused).toBe(true);
    connection.resume();
    expect(link.isPaused).toBe(false);
  });

  test("is closed with 1008 when it goes on, and leaves its room", () => {
    const { connection, link, told, counters } = new Setup(rates);
    sendTooMuch(connection, 1000);
    vi.advanceTimersByTime(rates.rateGraceMs - 1);
    expect(link.closedWith).toBe(undefined);
    vi.advanceTimersByTime(1);
    expect(link.closedWith).toEqual({ code: 1008, reason: "client sends more than it may" });
    expect(told.at(-1)).toBe("7 left");
    expect(counters).toMatchObject({ ratePauses: 1, rateClosed: 1 });
  });

  test("is not watched any more once it has left", () => {
    const { connection, link } = new Setup(rates);
    sendTooMuch(connection);
    connection.onClose();
    connection.onControl(10_000);
    expect(vi.getTimerCount()).toBe(0);
    expect(link.closedWith).toBe(undefined);
  });

  test("pays for pings, too, which no process ever reads", () => {
    const { connection, link, told, counters } = new Setup(rates);
    for (let sent = 0; sent < 11; sent += 1) connection.onControl(0);
    expect(link.isPaused).toBe(true);
    expect(told).toEqual([]);
    expect(counters.messagesReceived).toBe(0);
  });
});

test("bytes that have to wait do not keep the large buffer alive that they are a part of", () => {
  const { connection, link } = new Setup();
  link.isSlow = true;
  const large = Buffer.alloc(64 * 1024, small);
  connection.deliver(large.subarray(0, 4), 1);
  connection.deliver(large.subarray(4, 8), 1);
  connection.deliverAll([large.subarray(8, 12), large.subarray(12, 16)], 2);
  expect(link.messages).toEqual(["x", "x", "x", "x"]);
  const [first, ...waiting] = link.writes.flat().map((bytes) => bytes.buffer.byteLength);
  expect(first).toBe(large.buffer.byteLength);
  expect(waiting).toEqual([4, 8]);
});

describe("with --slow=pause", () => {
  test("a client with as much waiting as its buffer holds is not behind", () => {
    const { connection, link, told } = new Setup();
    link.isSlow = true;
    connection.deliver(tooMuch.subarray(1), 1);
    expect(link.pendingBytes).toBe(limits.clientBufferBytes);
    expect(told).toEqual([]);
  });

  test("a client with more waiting is behind until it has taken all of it", () => {
    const setup = new Setup();
    setup.overfill();
    expect(setup.told).toEqual(["7 fell behind"]);
    setup.link.take(100);
    expect(setup.told).toEqual(["7 fell behind"]);
    setup.link.take(1);
    expect(setup.told).toEqual(["7 fell behind", "7 caught up"]);
  });

  test("a client that is behind gets what still comes, in order, and is not reported again", () => {
    const setup = new Setup();
    setup.overfill();
    setup.connection.deliver(Buffer.from("t1:a"), 1);
    setup.connection.deliverAll([Buffer.from("t1:b"), Buffer.from("t1:c")], 2);
    expect(setup.link.messages.slice(1)).toEqual(["a", "b", "c"]);
    expect(setup.told).toEqual(["7 fell behind"]);
    expect(setup.counters.messagesSent).toBe(4);
  });

  test("a client can fall behind and catch up again and again", () => {
    const setup = new Setup();
    for (let round = 0; round < 3; round += 1) {
      setup.overfill();
      setup.link.take();
    }
    expect(setup.told).toEqual(Array.from({ length: 3 }, () => ["7 fell behind", "7 caught up"]).flat());
  });

  test("a client that is behind and takes nothing for the time-out is closed with 4008", () => {
    const setup = new Setup();
    setup.overfill();
    vi.advanceTimersByTime(limits.slowTimeoutMs - 1);
    expect(setup.link.closedWith).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(setup.link.closedWith?.code).toBe(closeCodes.tooSlow.code);
    expect(setup.told).toEqual(["7 fell behind", "7 left"]);
    expect(setup.counters.slowClosed).toBe(1);
  });

  test("a client that is behind is kept as long as it takes something", () => {
    const setup = new Setup();
    setup.overfill();
    for (let taken = 0; taken < 100; taken += 1) {
      vi.advanceTimersByTime(limits.slowTimeoutMs * 0.9);
      setup.link.take(1);
    }
    expect(setup.link.closedWith).toBeUndefined();
  });

  test("a client that has caught up may take nothing for as long as it likes", () => {
    const setup = new Setup();
    setup.overfill();
    vi.advanceTimersByTime(limits.slowTimeoutMs / 2);
    setup.link.take();
    setup.connection.deliver(small, 1);
    vi.advanceTimersByTime(limits.slowTimeoutMs * 10);
    expect(setup.link.closedWith).toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("the time-out counts anew each time that the client falls behind", () => {
    const setup = new Setup();
    setup.overfill();
    vi.advanceTimersByTime(limits.slowTimeoutMs * 0.9);
    setup.link.take();
    setup.overfill();
    vi.advanceTimersByTime(limits.slowTimeoutMs * 0.9);
    expect(setup.link.closedWith).toBeUndefined();
    vi.advanceTimersByTime(limits.slowTimeoutMs * 0.2);
    expect(setup.link.closedWith?.code).toBe(closeCodes.tooSlow.code);
  });

  test("a client that leaves while it is behind is not watched any more, and does not catch up", () => {
    const setup = new Setup();
    setup.overfill();
    setup.connection.onClose();
    setup.link.take();
    expect(setup.told).toEqual(["7 fell behind", "7 left"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("a client that is closed for another reason while it is behind is not closed as slow", () => {
    const setup = new Setup();
    setup.overfill();
    setup.connection.close(1001, "server is shutting down");
    vi.advanceTimersByTime(limits.slowTimeoutMs * 2);
    expect(setup.link.closedWith?.code).toBe(1001);
    expect(setup.counters.slowClosed).toBe(0);
  });
});

describe("with --slow=close", () => {
  test("a client with more waiting than its buffer holds is closed at once, and nothing pauses", () => {
    const setup = new Setup({ slow: "close" });
    setup.overfill();
    expect(setup.link.closedWith?.code).toBe(closeCodes.tooSlow.code);
    expect(setup.told).toEqual(["7 left"]);
    expect(setup.counters.slowClosed).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("a client with as much waiting as its buffer holds stays", () => {
    const { connection, link, told } = new Setup({ slow: "close" });
    link.isSlow = true;
    connection.deliver(tooMuch.subarray(1), 1);
    expect(link.closedWith).toBeUndefined();
    expect(told).toEqual([]);
  });
});

describe("with --slow=drop", () => {
  test("what comes while the client's buffer is full is dropped for it and counted, and nothing pauses", () => {
    const setup = new Setup({ slow: "drop" });
    setup.overfill();
    setup.connection.deliver(Buffer.from("t1:at1:b"), 2);
    setup.connection.deliverAll([small, small, small], 3);
    expect(setup.link.messages).toHaveLength(1);
    expect(setup.told).toEqual([]);
    expect(setup.counters.dropped.slow_client).toBe(5);
    expect(setup.counters.messagesSent).toBe(1);
    expect(setup.counters.bytesSent).toBe(tooMuch.length);
  });

  test("messages reach the client again as soon as its buffer has room", () => {
    const setup = new Setup({ slow: "drop" });
    setup.overfill();
    setup.link.take(1);
    setup.connection.deliver(Buffer.from("t1:a"), 1);
    expect(setup.link.messages.slice(1)).toEqual(["a"]);
  });

  test("a client that takes nothing is never closed for it", () => {
    const setup = new Setup({ slow: "drop" });
    setup.overfill();
    vi.advanceTimersByTime(limits.slowTimeoutMs * 10);
    expect(setup.link.closedWith).toBeUndefined();
  });
});

describe("a replay", () => {
  /** What was said before: more than may wait. */
  const replay = [Buffer.from(`t97:${"a".repeat(97)}`), Buffer.from(`t97:${"b".repeat(97)}`)];

  test("is one write, and counted", () => {
    const { connection, link, counters, told } = new Setup();
    connection.replay(replay, 2);
    expect(link.writes).toEqual([replay]);
    expect(counters).toMatchObject({ messagesSent: 2, bytesSent: 202 });
    expect(told).toEqual([]);
  });

  test.each(["pause", "close", "drop"] as const)("may wait beside what else may, with the policy %s", (slow) => {
    const { connection, link, told, counters } = new Setup({ slow });
    link.isSlow = true;
    connection.replay(replay, 2);
    connection.deliver(Buffer.from(`t96:${"x".repeat(96)}`), 1);
    connection.deliver(small, 0);
    expect(link.messages).toHaveLength(4);
    expect(link.closedWith?.code).toBe(slow === "close" ? closeCodes.tooSlow.code : undefined);
    expect(told).toEqual(slow === "pause" ? ["7 fell behind"] : slow === "close" ? ["7 left"] : []);
    connection.deliver(small, 1);
    expect(counters.dropped.slow_client).toBe(slow === "drop" ? 1 : 0);
  });

  test("that was taken leaves no more place than there was", () => {
    const { connection, link, told } = new Setup();
    link.isSlow = true;
    connection.replay(replay, 2);
    link.take();
    connection.deliver(tooMuch, 1);
    expect(told).toEqual(["7 fell behind"]);
    link.take();
    expect(told).toEqual(["7 fell behind", "7 caught up"]);
  });

  test("that is taken while the client falls behind does not let it catch up too early", () => {
    const { connection, link, told } = new Setup();
    link.isSlow = true;
    connection.replay(replay, 2);
    connection.deliver(tooMuch, 1);
    expect(told).toEqual(["7 fell behind"]);
    vi.advanceTimersByTime(limits.slowTimeoutMs / 2);
    link.take(250);
    vi.advanceTimersByTime(limits.slowTimeoutMs / 2);
    expect(told).toEqual(["7 fell behind"]);
    link.take();
    expect(told).toEqual(["7 fell behind", "7 caught up"]);
  });

  test("of which a client takes nothing closes it in time, though nobody waits for it", () => {
    const { connection, link, told } = new Setup();
    link.isSlow = true;
    connection.replay(replay, 2);
    expect(told).toEqual([]);
    vi.advanceTimersByTime(limits.slowTimeoutMs * 1.5);
    expect(link.closedWith?.code).toBe(closeCodes.tooSlow.code);
    expect(told).toEqual(["7 left"]);
  });

  test("that is taken in time closes nobody", () => {
    const { connection, link, told } = new Setup();
    link.isSlow = true;
    connection.replay(replay, 2);
    link.take();
    vi.advanceTimersByTime(limits.slowTimeoutMs * 3);
    expect(told).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("that fits is not watched", () => {
    const { connection, link } = new Setup();
    link.isSlow = true;
    connection.replay([small], 1);
    expect(vi.getTimerCount()).toBe(0);
  });
});
