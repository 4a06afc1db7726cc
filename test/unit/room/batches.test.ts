import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ByteWriter } from "../../../src/framing/byte-writer.ts";
import { Batches } from "../../../src/room/batches.ts";
import { FakeProcessLink, noProcessEvents } from "../../helpers/fakes.ts";

const batchBytes = 64 * 1024;

/** Batches and what they are made of. */
class Setup {
  readonly out = new ByteWriter();
  readonly batches = new Batches();
  readonly process = new FakeProcessLink(noProcessEvents);

  add(message: string): void {
    this.out.append(Buffer.from(message));
    this.batches.changed(this.out);
  }

  notice(text: string): void {
    const start = this.out.length;
    this.out.append(Buffer.from(text));
    this.batches.noticed(start, this.out);
    this.batches.changed(this.out);
  }

  /** Hands over all that was added so far. */
  handOver(): void {
    this.batches.cut(this.out);
    this.batches.write(this.process);
  }

  take(unread = 0): string {
    this.batches.cut(this.out);
    return Buffer.concat(this.batches.take(unread).map(({ bytes }) => bytes)).toString();
  }
}

test("what waits is taken without join and leave messages, and only once", () => {
  const setup = new Setup();
  setup.notice("+1");
  setup.add("one");
  setup.notice("-1");
  setup.notice("+2");
  setup.add("two");
  expect(setup.batches.waitingMessages).toBe(2);
  expect(setup.take()).toBe("onetwo");
  expect(setup.take()).toBe("");
});

test.each([
  [0, "four"],
  [1, "threefour"],
  [5, "threefour"],
  [7, "threefour"],
  [8, "twothreefour"],
  [10, "twothreefour"],
  [11, "onetwothreefour"],
  [13, "onetwothreefour"],
])("of what was handed over, messages that end in the last %i bytes were not read", (unread, taken) => {
  const setup = new Setup();
  setup.add("one");
  setup.add("two");
  setup.handOver();
  setup.notice("+1");
  setup.add("three");
  setup.handOver();
  setup.add("four");
  expect(setup.take(unread)).toBe(taken);
});

test("a batch ends with the message that makes it large", () => {
  const setup = new Setup();
  setup.add("x".repeat(batchBytes - 1));
  expect(setup.batches.waitingBytes).toBe(0);
  setup.add("yz");
  expect(setup.batches.waitingBytes).toBe(batchBytes + 1);
  setup.add("rest");
  setup.handOver();
  expect(setup.process.writes.map(({ length }) => length)).toEqual([batchBytes + 1, 4]);
});

test("batches are handed over while the process has room, and all of them where that is asked for", () => {
  const setup = new Setup();
  for (let count = 0; count < 4; count += 1) setup.add("x".repeat(batchBytes));
  setup.process.hasRoom = false;
  expect(setup.batches.write(setup.process)).toBe(false);
  expect(setup.process.writes.length).toBe(1);
  setup.batches.write(setup.process, true);
  expect(setup.process.writes.length).toBe(4);
  expect(setup.batches.waitingBytes).toBe(0);
});

test("what must have been read by now is forgotten", () => {
  const setup = new Setup();
  for (let count = 0; count < 100; count += 1) {
    setup.add(String.fromCharCode(32 + (count % 90)).repeat(batchBytes));
    setup.handOver();
  }
  expect(setup.take(Number.MAX_SAFE_INTEGER).length).toBe(5 * batchBytes);
});

test("what was taken can be appended elsewhere, and taken again", () => {
  const setup = new Setup();
  setup.add("one");
  setup.add("two");
  setup.handOver();
  const next = new Setup();
  next.notice("+1");
  next.batches.cut(next.out);
  setup.batches.cut(setup.out);
  next.batches.append(setup.batches.take(4));
  next.add("three");
  next.handOver();
  expect(next.process.input).toBe("+1onetwothree");
  expect(next.take(8)).toBe("twothree");
});

test("however much was read, each message goes either to the one process or to the other", () => {
  const message = fc.record({ text: fc.string({ minLength: 1, maxLength: 9 }), isNotice: fc.boolean() });
  fc.assert(
    fc.property(fc.array(fc.array(message)), fc.nat(), (writes, chosen) => {
      const setup = new Setup();
      for (const messages of writes) {
        for (const { text, isNotice } of messages) {
          if (isNotice) setup.notice(text);
          else setup.add(text);
        }
        setup.handOver();
      }
      const total = Buffer.concat(setup.process.writes).length;
      const readBytes = total === 0 ? 0 : chosen % (total + 1);
      let end = 0;
      const unread = writes.flat().filter(({ text, isNotice }) => {
        end += Buffer.byteLength(text);
        return end > readBytes && !isNotice;
      });
      expect(setup.take(total - readBytes)).toBe(unread.map(({ text }) => Buffer.from(text).toString()).join(""));
    }),
  );
});
