import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DropReason } from "../../../src/drop-reasons.ts";
import type { WireFormat } from "../../../src/links.ts";
import { everyone } from "../../../src/framing/framing.ts";
import { Connection, type ConnectionOwner } from "../../../src/room/connection.ts";
import { Counters } from "../../../src/room/counters.ts";
import { FanOut, type FanOutEvents } from "../../../src/room/fan-out.ts";
import type { KeptMessages } from "../../../src/room/histories.ts";
import { History } from "../../../src/room/history.ts";
import { FakeClientLink, FakeCompressingWire, fakeWire, noRates, readWire } from "../../helpers/fakes.ts";

const limits = { slow: "close", clientBufferBytes: 1000, slowTimeoutMs: 1000, ...noRates } as const;

/** Clients 1 to `count` of a room, and what its process's output is sent through. */
class Setup implements ConnectionOwner, FanOutEvents {
  readonly counters = new Counters();
  readonly noted: DropReason[] = [];
  readonly metadata: string[] = [];
  readonly connections = new Map<number, Connection>();
  readonly links = new Map<number, FakeClientLink>();
  readonly fanOut: FanOut;

  constructor(count: number, history?: History, kept?: KeptMessages, wire: WireFormat = fakeWire) {
    this.fanOut = new FanOut(this.connections, wire, this.counters, this, history, kept);
    for (let id = 1; id <= count; id += 1) {
      const connection = new Connection(id, this, limits, this.counters);
      const link = new FakeClientLink();
      connection.open(link);
      this.connections.set(id, connection);
      this.links.set(id, link);
    }
  }

  /** The process writes a text for a client, or for everyone. */
  say(text: string, to = everyone): void {
    // Cut out of a larger buffer, as decoders do.
    const bytes = Buffer.from(`<${text}>`);
    this.fanOut.onMessage(to, bytes, 1, bytes.length - 1, false);
  }

  /** The process writes a text for these clients, or for all but these. */
  sayTo(text: string, ids: readonly number[], areExcluded = false): void {
    const bytes = Buffer.from(`<${text}>`);
    this.fanOut.onMessageTo({ ids: new Set(ids), areExcluded }, bytes, 1, bytes.length - 1, false);
  }

  sayTagged(text: string): void {
    this.fanOut.onTaggedMessage(Buffer.from(text), 0, text.length, false);
  }

  close(ids: readonly number[], areExcluded = false): void {
    this.fanOut.onClose({ ids: new Set(ids), areExcluded }, 4001, "kicked");
  }

  onDrop(reason: DropReason): void {
    this.noted.push(reason);
  }

  onMetadata(text: string): void {
    this.metadata.push(text);
  }

  link(id: number): FakeClientLink {
    const link = this.links.get(id);
    if (link === undefined) throw new Error(`there is no client ${id}`);
    return link;
  }

  messages(id: number): string[] {
    return this.link(id).messages;
  }

  receive(): void {
    throw new Error("nothing is received here");
  }

  fellBehind(): void {
    throw new Error("nobody falls behind here");
  }

  caughtUp(): void {
    throw new Error("nobody falls behind here");
  }

  leave(connection: Connection): void {
    this.connections.delete(connection.id);
  }
}

test("messages for everyone reach each client in order, in one write of the very same bytes", () => {
  const setup = new Setup(3);
  for (const text of ["one", "", "three"]) setup.say(text);
  expect(setup.link(1).writes).toEqual([]);
  setup.fanOut.flush();
  for (const id of [1, 2, 3]) expect(setup.messages(id)).toEqual(["one", "", "three"]);
  const [write] = setup.link(1).handedOver;
  expect(write).toHaveLength(1);
  expect(setup.link(2).handedOver[0]?.[0]).toBe(write?.[0]);
});

test("the memory of what all have taken is used again, and that of what waits for one stays as it is", () => {
  const setup = new Setup(2);
  const texts = ["a", "b", "c", "d"].map((letter) => letter.repeat(20_000));
  const flush = (text: string): ArrayBufferLike | undefined => {
    setup.say(text);
    setup.fanOut.flush();
    return setup.link(2).handedOver.at(-1)?.[0]?.buffer;
  };
  const memory = texts.slice(0, 2).map(flush);
  expect(memory[1]).toBe(memory[0]);
  setup.link(1).isSlow = true;
  memory.push(...texts.slice(2).map(flush));
  expect(memory[2]).toBe(memory[0]);
  expect(memory[3]).not.toBe(memory[0]);
  expect(setup.messages(1)).toEqual(texts.slice(0, 3));
  expect(setup.messages(2)).toEqual(texts);
});

test("what is enough for a write is handed out before the next chunk", () => {
  const setup = new Setup(2);
  const text = "x".repeat(60_000);
  for (let chunks = 1; chunks <= 5; chunks += 1) {
    setup.fanOut.expect(text.length);
    setup.say(text);
    expect(setup.messages(1)).toEqual([]);
  }
  setup.fanOut.expect(text.length);
  for (const id of [1, 2]) {
    expect(setup.messages(id)).toEqual([text, text, text, text, text]);
    expect(setup.link(id).writes).toHaveLength(1);
  }
  setup.say("last");
  setup.fanOut.flush();
  expect(setup.messages(2).at(-1)).toBe("last");
});

test("a client that waits for a message of its own holds no more memory than that takes, however much was expected", () => {
  const setup = new Setup(2);
  setup.link(1).isSlow = true;
  setup.fanOut.expect(64 * 1024);
  setup.say("x".repeat(10_000));
  setup.say("own", 1);
  setup.fanOut.flush();
  const own = setup.link(1).handedOver[0]?.at(-1);
  expect(readWire(own ?? Buffer.of())).toEqual(["own"]);
  expect(own?.buffer.byteLength).toBeLessThan(20_000);
});

test("what waits for a client stays as it is also where others have got it between messages of their own", () => {
  const setup = new Setup(2);
  setup.link(1).isSlow = true;
  const [common, own, later] = ["common", "own", "later"].map((text) => text.repeat(5000)) as [string, string, string];
  setup.say(common);
  setup.say(own, 1);
  setup.fanOut.flush();
  setup.say(later);
  setup.say(later, 2);
  setup.fanOut.flush();
  expect(setup.messages(1)).toEqual([common, own]);
  expect(setup.messages(2)).toEqual([common, later, later]);
});

test("text stays text and binary stays binary", () => {
  const setup = new Setup(1);
  setup.fanOut.onMessage(everyone, Buffer.from("a"), 0, 1, false);
  setup.fanOut.onMessage(everyone, Buffer.of(0xff), 0, 1, true);
  setup.fanOut.onMessage(1, Buffer.of(0xfe), 0, 1, true);
  setup.fanOut.flush();
  expect(setup.messages(1)).toEqual(["a", "hex:ff", "hex:fe"]);
});

test("messages for one client reach it alone, in order and in one write", () => {
  const setup = new Setup(3);
  setup.say("one", 2);
  setup.say("two", 3);
  setup.say("three", 2);
  setup.fanOut.flush();
  expect([1, 2, 3].map((id) => setup.messages(id))).toEqual([[], ["one", "three"], ["two"]]);
  expect(setup.link(2).writes).toHaveLength(1);
});

test("each client sees its own messages and those for everyone in the order in which they were written", () => {
  const setup = new Setup(3);
  setup.say("private 1", 1);
  setup.say("all 1");
  setup.say("private 2", 2);
  setup.say("private 3", 1);
  setup.say("all 2");
  setup.say("private 4", 1);
  setup.fanOut.flush();
  expect(setup.messages(1)).toEqual(["private 1", "all 1", "private 3", "all 2", "private 4"]);
  expect(setup.messages(2)).toEqual(["all 1", "private 2", "all 2"]);
  expect(setup.messages(3)).toEqual(["all 1", "all 2"]);
});

test("whatever the process writes and wherever it is cut, each client gets what is its own, in order", () => {
  const message = fc.record({ to: fc.nat({ max: 4 }), text: fc.string({ maxLength: 5 }), isLast: fc.boolean() });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 40 }), (messages) => {
      const setup = new Setup(4);
      for (const { to, text, isLast } of messages) {
        setup.say(text, to);
        if (isLast) setup.fanOut.flush();
      }
      setup.fanOut.flush();
      for (const id of [1, 2, 3, 4]) {
        const its = messages.filter(({ to }) => to === id || to === everyone);
        expect(setup.messages(id)).toEqual(its.map(({ text }) => text));
      }
    }),
  );
});

test("sent messages are counted for each client that gets them", () => {
  const setup = new Setup(3);
  setup.say("all");
  setup.say("private", 1);
  setup.say("another", 1);
  setup.fanOut.flush();
  expect(setup.counters.messagesSent).toBe(3 + 2);
  setup.say("more", 2);
  setup.say("yet more", 2);
  setup.fanOut.flush();
  expect(setup.counters.messagesSent).toBe(3 + 2 + 2);
  const written = [...setup.links.values()].flatMap((link) => link.writes.flat());
  expect(setup.counters.bytesSent).toBe(Buffer.concat(written).length);
});

test("nothing is sent twice, and nothing is written where nothing was said", () => {
  const setup = new Setup(2);
  setup.fanOut.flush();
  setup.say("all");
  setup.say("private", 1);
  setup.fanOut.flush();
  setup.fanOut.flush();
  setup.fanOut.expect(1000);
  setup.fanOut.flush();
  expect(setup.link(1).writes).toHaveLength(1);
  expect(setup.link(2).writes).toHaveLength(1);
});

test("a message for a client that has left reaches nobody and is counted", () => {
  const setup = new Setup(2);
  setup.connections.delete(2);
  setup.say("secret", 2);
  setup.say("secret", 3);
  setup.fanOut.flush();
  expect(setup.messages(1)).toEqual([]);
  expect(setup.counters.dropped.recipient_gone).toBe(2);
  expect(setup.noted).toEqual([]);
});

test("a message for everyone in an empty room is no dropped message, and whoever comes then does not get it", () => {
  const setup = new Setup(1);
  const [connection] = setup.connections.values();
  setup.connections.clear();
  setup.say("too early");
  setup.connections.set(1, connection as Connection);
  setup.say("in time");
  setup.fanOut.flush();
  expect(setup.messages(1)).toEqual(["in time"]);
  expect(Object.values(setup.counters.dropped).every((count) => count === 0)).toBe(true);
});

test("what the framing drops is passed on with its reason", () => {
  const setup = new Setup(1);
  setup.fanOut.onDrop("invalid_id");
  setup.fanOut.onDrop("unknown_type");
  expect(setup.noted).toEqual(["invalid_id", "unknown_type"]);
});

test("a client that is closed while messages are handed out misses the others nothing", () => {
  const setup = new Setup(4);
  const large = "x".repeat(limits.clientBufferBytes);
  setup.link(1).isSlow = true;
  setup.link(3).isSlow = true;
  setup.say(large);
  setup.say("private", 3);
  setup.fanOut.flush();
  setup.say("after");
  setup.fanOut.flush();
  expect([...setup.connections.keys()]).toEqual([2, 4]);
  for (const id of [2, 4]) expect(setup.messages(id)).toEqual([large, "after"]);
});

test("what was sent does not change when more is gathered", () => {
  const setup = new Setup(1);
  setup.say("first");
  setup.say("private", 1);
  setup.fanOut.flush();
  for (let count = 0; count < 100; count += 1) {
    setup.say(`later ${count}`);
    setup.say(`private ${count}`, 1);
  }
  expect(setup.messages(1)).toEqual(["first", "private"]);
});

test("the announced length of a chunk is only a hint", () => {
  const setup = new Setup(1);
  for (const hint of [0, 1, 100_000]) {
    setup.fanOut.expect(hint);
    setup.say("text");
    setup.say("x".repeat(1000), 1);
    setup.fanOut.flush();
  }
  expect(setup.messages(1)).toEqual(Array.from({ length: 3 }, () => ["text", "x".repeat(1000)]).flat());
});

test("a message for several clients reaches each of them once, and those that are gone are counted", () => {
  const setup = new Setup(4);
  setup.say("all");
  setup.sayTo("some", [2, 4, 9, 10]);
  setup.sayTo("nobody", []);
  setup.sayTo("gone", [9]);
  setup.fanOut.flush();
  expect([1, 2, 3, 4].map((id) => setup.messages(id))).toEqual([["all"], ["all", "some"], ["all"], ["all", "some"]]);
  expect(setup.counters.dropped.recipient_gone).toBe(3);
  expect(setup.counters.messagesSent).toBe(4 + 2);
});

test("a message for all but some is the same bytes for the others, in one write", () => {
  const setup = new Setup(3);
  setup.say("one");
  setup.sayTo("two", [2, 9], true);
  setup.say("three");
  setup.fanOut.flush();
  expect([1, 2, 3].map((id) => setup.messages(id))).toEqual([
    ["one", "two", "three"],
    ["one", "three"],
    ["one", "two", "three"],
  ]);
  expect(setup.link(1).writes).toHaveLength(1);
  expect(setup.link(2).writes).toHaveLength(1);
  expect(setup.link(1).handedOver[0]?.[0]).toBe(setup.link(3).handedOver[0]?.[0]);
  expect(setup.counters.messagesSent).toBe(3 + 2 + 3);
  expect(setup.counters.dropped.recipient_gone).toBe(0);
});

test("a client that is left out of all there is gets nothing, not even an empty write", () => {
  const setup = new Setup(1);
  setup.sayTo("not for you", [1], true);
  setup.fanOut.flush();
  expect(setup.link(1).writes).toEqual([]);
  expect(setup.counters.messagesSent).toBe(0);
});

test("whoever a message is for or not for, each client gets what is its own, in order", () => {
  const ids = fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { maxLength: 4 });
  const message = fc.record({
    to: fc.oneof(fc.nat({ max: 4 }), fc.record({ ids, areExcluded: fc.boolean() })),
    text: fc.string({ maxLength: 5 }),
    isLast: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 40 }), (messages) => {
      const setup = new Setup(4);
      let sent = 0;
      for (const { to, text, isLast } of messages) {
        if (typeof to === "number") setup.say(text, to);
        else setup.sayTo(text, to.ids, to.areExcluded);
        if (isLast) setup.fanOut.flush();
      }
      setup.fanOut.flush();
      for (const id of [1, 2, 3, 4]) {
        const its = messages.filter(({ to }) =>
          typeof to === "number" ? to === id || to === everyone : to.ids.includes(id) !== to.areExcluded,
        );
        expect(setup.messages(id)).toEqual(its.map(({ text }) => text));
        sent += its.length;
      }
      expect(setup.counters.messagesSent).toBe(sent);
    }),
    { numRuns: 300 },
  );
});

test("a client is closed behind what was said before, and what follows is for who is left", () => {
  const setup = new Setup(3);
  setup.say("before");
  setup.say("for you", 2);
  setup.close([2, 9]);
  setup.say("after");
  setup.say("too late", 2);
  setup.fanOut.flush();
  expect(setup.messages(2)).toEqual(["before", "for you"]);
  expect(setup.link(2).closedWith).toEqual({ code: 4001, reason: "kicked" });
  for (const id of [1, 3]) {
    expect(setup.messages(id)).toEqual(["before", "after"]);
    expect(setup.link(id).closedWith).toBe(undefined);
  }
  expect(setup.counters.dropped.recipient_gone).toBe(2);
});

test("all clients can be closed, or all but some", () => {
  const setup = new Setup(3);
  setup.close([2], true);
  expect([1, 2, 3].map((id) => setup.link(id).closedWith?.code)).toEqual([4001, undefined, 4001]);
  setup.close([], true);
  expect(setup.link(2).closedWith?.code).toBe(4001);
  setup.close([], true);
  expect(setup.connections.size).toBe(0);
});

test("metadata is passed on", () => {
  const setup = new Setup(1);
  setup.fanOut.onMetadata("{}");
  expect(setup.metadata).toEqual(["{}"]);
  expect(setup.messages(1)).toEqual([]);
});

function historyOf(maxMessages: number): History {
  return new History({ maxMessages, maxBytes: 1 << 20 });
}

function keptIn(history: History): string[] {
  return readWire(Buffer.concat(history.pieces));
}

test("messages for everyone go into the history as they are sent, and no others", () => {
  const history = historyOf(3);
  const setup = new Setup(2, history);
  for (const text of ["one", "two", "three"]) setup.say(text);
  setup.say("private", 1);
  setup.sayTo("some", [1, 2]);
  setup.sayTo("all but one", [1], true);
  setup.sayTagged("four");
  setup.fanOut.flush();
  expect(keptIn(history)).toEqual(["two", "three", "four"]);
  setup.say("private", 1);
  setup.fanOut.flush();
  expect(keptIn(history)).toEqual(["two", "three", "four"]);
  expect(setup.messages(2)).toEqual(["one", "two", "three", "some", "all but one", "four"]);
});

test("of tagged messages alone the others are not kept", () => {
  const history = historyOf(3);
  const setup = new Setup(1, history, "tagged");
  setup.say("one");
  setup.sayTagged("two");
  setup.say("three");
  setup.sayTagged("four");
  setup.fanOut.flush();
  expect(keptIn(history)).toEqual(["two", "four"]);
  expect(setup.messages(1)).toEqual(["one", "two", "three", "four"]);
});

test("what is said in an empty room is kept for who comes, and no dropped message", () => {
  const history = historyOf(3);
  const setup = new Setup(0, history);
  setup.say("one");
  setup.fanOut.flush();
  expect(keptIn(history)).toEqual(["one"]);
  const tagged = historyOf(3);
  const other = new Setup(0, tagged, "tagged");
  other.say("one");
  other.sayTagged("two");
  other.fanOut.flush();
  expect(keptIn(tagged)).toEqual(["two"]);
  expect(Object.values(other.counters.dropped).every((count) => count === 0)).toBe(true);
});

test("without a history a tagged message is one like any other", () => {
  const setup = new Setup(1);
  setup.sayTagged("hello");
  setup.fanOut.flush();
  expect(setup.messages(1)).toEqual(["hello"]);
});

/** Three clients; 1 and 2 read compressed messages. */
function compressing(history?: History): { setup: Setup; wire: FakeCompressingWire } {
  const wire = new FakeCompressingWire();
  const setup = new Setup(3, history, "all", wire);
  for (const id of [1, 2]) setup.link(id).isCompressing = true;
  return { setup, wire };
}

describe("where some clients read compressed messages", () => {
  test("a message for everyone is compressed once, the others get it plain, and what is short stays so", () => {
    const { setup, wire } = compressing();
    for (const text of ["abcdef", "x", "123456"]) setup.say(text);
    setup.fanOut.flush();
    for (const id of [1, 2]) expect(setup.messages(id)).toEqual(["zip:ace", "x", "zip:135"]);
    expect(setup.messages(3)).toEqual(["abcdef", "x", "123456"]);
    expect(wire.compressions).toBe(2);
    expect(setup.link(1).writes).toHaveLength(1);
    expect(setup.link(1).handedOver[0]?.[0]).toBe(setup.link(2).handedOver[0]?.[0]);
  });

  test("nothing is compressed where none of them is there, nor what is for some alone", () => {
    const { setup, wire } = compressing();
    setup.say("private", 1);
    setup.sayTo("for some", [1, 2, 3]);
    setup.fanOut.flush();
    setup.connections.delete(1);
    setup.connections.delete(2);
    setup.say("for everyone");
    setup.fanOut.flush();
    expect(setup.messages(1)).toEqual(["private", "for some"]);
    expect(setup.messages(3)).toEqual(["for some", "for everyone"]);
    expect(wire.compressions).toBe(0);
  });

  test("where nothing becomes shorter, all get the very same bytes", () => {
    const { setup, wire } = compressing();
    for (const text of ["x", "noise!", "y".repeat(1001)]) setup.say(text);
    setup.fanOut.flush();
    expect(wire.compressions).toBe(1);
    expect(setup.link(1).handedOver[0]?.[0]).toBe(setup.link(3).handedOver[0]?.[0]);
  });

  test("so much is compressed at once as takes no long time, and the rest stays plain", () => {
    const { setup, wire } = compressing();
    const texts = Array.from({ length: 5000 }, (_each, index) => (index < 1000 ? "noise!" : String(10_000 + index)));
    for (const text of texts) setup.say(text);
    setup.fanOut.flush();
    expect(wire.compressions).toBeLessThan(3000);
    const zipped = texts.map((text, index) =>
      index >= wire.compressions || text === "noise!" ? text : `zip:${text.replaceAll(/(.).?/g, "$1")}`,
    );
    expect(setup.messages(1)).toEqual(zipped);
    expect(setup.messages(3)).toEqual(texts);
  });

  test("the history is plain, so that it can be replayed to all", () => {
    const history = historyOf(3);
    const { setup } = compressing(history);
    setup.say("abcdef");
    setup.sayTagged("ghijkl");
    setup.fanOut.flush();
    expect(setup.messages(1)).toEqual(["zip:ace", "zip:gik"]);
    expect(keptIn(history)).toEqual(["abcdef", "ghijkl"]);
  });

  test("a close stands behind what was said before it", () => {
    const { setup } = compressing();
    setup.say("abcdef");
    setup.close([1]);
    setup.say("ghijkl");
    setup.fanOut.flush();
    expect(setup.messages(1)).toEqual(["zip:ace"]);
    expect(setup.messages(2)).toEqual(["zip:ace", "zip:gik"]);
  });

  test("everyone gets the same messages in the same order, whoever reads them compressed", () => {
    const ids = fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { maxLength: 4 });
    const message = fc.record({
      to: fc.oneof(fc.nat({ max: 4 }), fc.record({ ids, areExcluded: fc.boolean() })),
      text: fc.string({ unit: fc.constantFrom("a", "b", "c", "d", "!"), maxLength: 9 }),
      isLast: fc.integer({ min: 0, max: 4 }).map((roll) => roll === 0),
    });
    const flags = fc.array(fc.boolean(), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(message, { maxLength: 40 }), flags, (messages, areCompressing) => {
        const wire = new FakeCompressingWire();
        const history = historyOf(100);
        const setup = new Setup(4, history, "all", wire);
        areCompressing.forEach((isCompressing, index) => {
          setup.link(index + 1).isCompressing = isCompressing;
        });
        for (const { to, text, isLast } of messages) {
          if (typeof to === "number") setup.say(text, to);
          else setup.sayTo(text, to.ids, to.areExcluded);
          if (isLast) setup.fanOut.flush();
        }
        setup.fanOut.flush();
        for (const id of [1, 2, 3, 4]) {
          const expected = messages.flatMap(({ to, text }) => {
            const isForAll = to === everyone || (typeof to === "object" && to.areExcluded);
            const isIts =
              typeof to === "number" ? to === id || to === everyone : to.ids.includes(id) !== to.areExcluded;
            if (!isIts) return [];
            const isCompressed = isForAll && areCompressing[id - 1] === true && text.length > 3 && !text.includes("!");
            return [isCompressed ? `zip:${text.replaceAll(/(.).?/g, "$1")}` : text];
          });
          expect(setup.messages(id)).toEqual(expected);
        }
        expect(keptIn(history)).toEqual(messages.filter(({ to }) => to === everyone).map(({ text }) => text));
      }),
      { numRuns: 500 },
    );
  });
});
