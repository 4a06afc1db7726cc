import * as fc from "fast-check";
import { expect, test } from "vitest";
import { History } from "../../../src/room/history.ts";

const plenty = 1 << 20;

function historyOf(maxMessages: number, maxBytes = plenty): History {
  return new History({ maxMessages, maxBytes });
}

/** Adds messages as one chunk, in which something else stands around each. */
function add(history: History, ...messages: readonly string[]): void {
  const spans: number[] = [];
  let bytes = "<";
  for (const message of messages) {
    spans.push(bytes.length, bytes.length + message.length);
    bytes += `${message}|`;
  }
  history.add(Buffer.from(bytes), spans);
}

function kept(history: History): string {
  return Buffer.concat(history.pieces).toString();
}

test("the last messages are kept, in order", () => {
  const history = historyOf(3);
  expect(history).toMatchObject({ messages: 0, size: 0, pieces: [] });
  add(history, "a", "b");
  expect(kept(history)).toBe("ab");
  add(history, "c", "d");
  expect(kept(history)).toBe("bcd");
  add(history, "e", "f", "g", "h", "i");
  expect(kept(history)).toBe("ghi");
  expect(history.messages).toBe(3);
});

test("one message may be all that is kept", () => {
  const history = historyOf(1);
  for (const message of ["one", "two", "three"]) {
    add(history, message);
    expect(kept(history)).toBe(message);
  }
});

test("the oldest go first where they take too much, and each counts a little more than its bytes", () => {
  const history = historyOf(100, 3 * (10 + 8));
  add(history, "a".repeat(10), "b".repeat(10), "c".repeat(10));
  expect(history).toMatchObject({ messages: 3, size: 54 });
  add(history, "d");
  expect(kept(history)).toBe(`${"b".repeat(10)}${"c".repeat(10)}d`);
  add(history, "e".repeat(40));
  expect(kept(history)).toBe("e".repeat(40));
});

test("a message that takes more than all leaves nothing, since none before it would be the last", () => {
  const history = historyOf(100, 50);
  add(history, "a", "b");
  add(history, "c", "x".repeat(60));
  expect(history).toMatchObject({ messages: 0, size: 0, pieces: [] });
  add(history, "d");
  expect(kept(history)).toBe("d");
});

test("what was handed out stays as it is", () => {
  const history = historyOf(4);
  add(history, "a", "b", "c");
  const { pieces } = history;
  for (let round = 0; round < 200; round += 1) add(history, `later ${round}`);
  expect(Buffer.concat(pieces).toString()).toBe("abc");
});

test("the bytes of a chunk are not kept themselves", () => {
  const history = historyOf(4);
  const chunk = Buffer.from("one");
  history.add(chunk, [0, 3]);
  chunk.fill("x");
  expect(kept(history)).toBe("one");
});

test("nothing is left after clearing", () => {
  const history = historyOf(4);
  add(history, "a");
  history.clear();
  expect(history).toMatchObject({ messages: 0, size: 0, pieces: [] });
  add(history, "b");
  expect(kept(history)).toBe("b");
});

test("shrinking leaves the same in no more memory than that", () => {
  const history = historyOf(3);
  add(history, "a", "bb", "ccc", "dddd");
  history.shrink();
  expect(history.pieces.map((piece) => piece.buffer.byteLength)).toEqual([9]);
  expect(kept(history)).toBe("bbcccdddd");
  add(history, "e");
  expect(kept(history)).toBe("cccdddde");
  history.clear();
  history.shrink();
  expect(history.pieces).toEqual([]);
});

test("few pieces hold much, and little takes little memory", () => {
  const large = historyOf(100_000, 8 << 20);
  for (let round = 0; round < 500; round += 1)
    add(
      large,
      ..."x"
        .repeat(50)
        .split("")
        .map(() => "y".repeat(1000)),
    );
  expect(large.size).toBeGreaterThan(7 << 20);
  expect(large.size).toBeLessThanOrEqual(8 << 20);
  expect(large.pieces.length).toBeLessThan(50);
  const held = new Set(large.pieces.map(({ buffer }) => buffer));
  expect([...held].reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThan(9 << 20);

  const small = historyOf(10);
  for (let round = 0; round < 500; round += 1) add(small, "hello");
  expect(small.pieces.reduce((sum, { buffer }) => sum + buffer.byteLength, 0)).toBeLessThan(2000);
});

test("the last messages are kept, whatever comes in whatever pieces", () => {
  const chunks = fc.array(fc.array(fc.string({ unit: "binary-ascii", maxLength: 30 }), { maxLength: 12 }));
  fc.assert(
    fc.property(
      chunks,
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 200 }),
      (all, maxMessages, maxBytes) => {
        const history = historyOf(maxMessages, maxBytes);
        for (const [index, chunk] of all.entries()) {
          add(history, ...chunk);
          if (index % 3 === 0) history.shrink();
        }
        const expected: string[] = [];
        let size = 0;
        for (const message of all.flat().toReversed()) {
          size += message.length + 8;
          if (size > maxBytes || expected.length === maxMessages) break;
          expected.unshift(message);
        }
        expect(kept(history)).toBe(expected.join(""));
        expect(history.messages).toBe(expected.length);
      },
    ),
    { numRuns: 300 },
  );
});
