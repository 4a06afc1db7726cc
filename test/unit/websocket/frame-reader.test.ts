import type { Writable } from "node:stream";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as ws from "ws";
import { FrameReader } from "../../../src/websocket/frame-reader.ts";

/** The types of `ws` leave out its receiver. */
type Receiver = Writable;
const { Receiver } = ws as unknown as { Receiver: new (options: object) => Receiver };

const maxMessageBytes = 200_000;
const limits = { isServer: true, maxPayload: maxMessageBytes, skipUTF8Validation: false };

/** What a connection makes of bytes: messages, pings and pongs, and how it ends. */
interface Outcome {
  readonly messages: string[];
  readonly controls: string[];
  end: string;
}

interface Reading {
  readonly outcome: Outcome;
  push(bytes: Buffer): Promise<void>;
}

/** What concerns compressed messages only; intake.test.ts has those. */
const neverCompressed = {
  isPaused: false,
  isTurnSpent: () => false,
  inflate(): Buffer {
    throw new Error("nothing is compressed");
  },
  onParked: () => undefined,
};

/** `ws` alone, which is the measure of what is right. */
function readAlone(): Reading {
  const outcome: Outcome = { messages: [], controls: [], end: "" };
  const receiver = createReceiver(outcome);
  return {
    outcome,
    async push(bytes) {
      if (outcome.end === "") receiver.write(Buffer.from(bytes));
      await ticks();
    },
  };
}

/** The reader in front of `ws`, as a link has it. */
function readAhead(): Reading {
  const outcome: Outcome = { messages: [], controls: [], end: "" };
  let receiver: Receiver | undefined;
  const handler = {
    get isReading() {
      return outcome.end === "";
    },
    onMessage: (payload: Buffer, isBinary: boolean) => note(outcome, payload, isBinary),
    onOther(bytes: Buffer) {
      receiver ??= createReceiver(outcome);
      if (outcome.end === "") receiver.write(Buffer.from(bytes));
    },
    onOtherDone() {
      receiver = undefined;
    },
    ...neverCompressed,
  };
  const reader = new FrameReader(maxMessageBytes, handler, false);
  return {
    outcome,
    async push(bytes) {
      reader.push(Buffer.from(bytes));
      await ticks();
    },
  };
}

function createReceiver(outcome: Outcome): Receiver {
  const receiver = new Receiver(limits);
  const end = (how: string): void => {
    outcome.end ||= how;
  };
  receiver.on("message", (data: Buffer, isBinary: boolean) => note(outcome, data, isBinary));
  receiver.on("ping", (data: Buffer) => outcome.controls.push(`ping ${data.toString("hex")}`));
  receiver.on("pong", (data: Buffer) => outcome.controls.push(`pong ${data.toString("hex")}`));
  receiver.on("conclude", (code: number) => end(`closed ${code}`));
  receiver.on("error", (error) => end(`failed: ${error.message}`));
  return receiver;
}

function note(outcome: Outcome, payload: Buffer, isBinary: boolean): void {
  if (outcome.end === "") outcome.messages.push(`${isBinary ? "binary" : "text"} ${payload.toString("base64")}`);
}

/** Between two reads of a socket all ticks and microtasks run. */
async function ticks(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}

interface FrameParts {
  readonly first: number;
  readonly payload: Buffer;
  readonly isMasked: boolean;
  readonly lengthBytes: number;
}

function frame({ first, payload, isMasked, lengthBytes }: FrameParts): Buffer {
  const mask = isMasked ? 0x80 : 0;
  const key = Buffer.from(isMasked ? [0x11, 0x22, 0xf3, 0x00] : []);
  const masked = payload.map((byte, index) => (isMasked ? byte ^ (key[index % 4] ?? 0) : byte));
  const header =
    payload.length < 126 && lengthBytes === 0
      ? Buffer.from([first, mask | payload.length])
      : payload.length < 65_536 && lengthBytes < 8
        ? Buffer.from([first, mask | 126, payload.length >> 8, payload.length & 0xff])
        : longHeader(first, mask, payload.length);
  return Buffer.concat([header, key, masked]);
}

function longHeader(first: number, mask: number, length: number): Buffer {
  const header = Buffer.alloc(10);
  header[0] = first;
  header[1] = mask | 127;
  header.writeBigUInt64BE(BigInt(length), 2);
  return header;
}

const payloads = fc.oneof(
  fc.string({ unit: "grapheme", maxLength: 40 }).map((text) => Buffer.from(text)),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom(126, 65_535, 65_536, 70_000, 200_001).map((length) => Buffer.alloc(length, "a")),
);
const plainFrames = fc.record({
  first: fc.constantFrom(0x81, 0x82),
  payload: fc.string({ maxLength: 30 }).map((text) => Buffer.from(text)),
  isMasked: fc.constant(true),
  lengthBytes: fc.constant(0),
});
const oddFrames = fc.record({
  first: fc.constantFrom(0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x88, 0x89, 0x8a, 0x09, 0xc1, 0xa1, 0x83, 0x8b),
  payload: payloads,
  isMasked: fc.integer({ min: 0, max: 9 }).map((roll) => roll > 0),
  lengthBytes: fc.constantFrom(0, 0, 0, 2, 8),
});
const streams = fc
  .array(fc.oneof({ weight: 4, arbitrary: plainFrames }, { weight: 1, arbitrary: oddFrames }), { maxLength: 12 })
  .map((frames) => Buffer.concat(frames.map(frame)));

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b);
  return [...sorted, bytes.length].map((end, index) => bytes.subarray(sorted[index - 1] ?? 0, end));
}

test("whatever a client sends, however it is cut, comes out as from ws alone", async () => {
  await fc.assert(
    fc.asyncProperty(streams, fc.array(fc.nat(), { maxLength: 6 }), async (bytes, places) => {
      const alone = readAlone();
      const ahead = readAhead();
      for (const chunk of cut(bytes, places)) {
        await alone.push(chunk);
        await ahead.push(chunk);
      }
      expect(ahead.outcome).toEqual(alone.outcome);
    }),
    { numRuns: 600 },
  );
});

test("plain messages never reach ws", () => {
  const { reader, received, passedOn } = readWith();
  const bytes = Buffer.concat(
    ["one", "two", "x".repeat(1000)].map((text) =>
      frame({ first: 0x81, payload: Buffer.from(text), isMasked: true, lengthBytes: 0 }),
    ),
  );
  for (const byte of bytes) reader.push(Buffer.from([byte]));
  expect(received).toEqual(["one", "two", "x".repeat(1000)]);
  expect(passedOn).toEqual([]);
});

/** A reader that keeps what it reads and what it passes on. */
function readWith() {
  const received: string[] = [];
  const passedOn: Buffer[] = [];
  const handler = {
    isReading: true,
    onMessage: (payload: Buffer) => received.push(payload.toString()),
    onOther: (bytes: Buffer) => passedOn.push(Buffer.from(bytes)),
    onOtherDone: () => undefined,
    ...neverCompressed,
  };
  const reader = new FrameReader(maxMessageBytes, handler, false);
  return { reader, received, passedOn };
}

function textFrame(text: string, first = 0x81): Buffer {
  return frame({ first, payload: Buffer.from(text), isMasked: true, lengthBytes: 0 });
}

test("a long frame that comes byte by byte is passed on in few pieces, its header at once", async () => {
  const { reader, passedOn } = readWith();
  const bytes = textFrame("x".repeat(100_000));
  for (let at = 0; at < bytes.length; at += 1) {
    reader.push(bytes.subarray(at, at + 1));
    if (at === 13) expect(passedOn.length).toBe(1);
  }
  expect(Buffer.concat(passedOn).equals(bytes)).toBe(true);
  expect(passedOn.length).toBeLessThan(10);
  await ticks();
  expect(reader.unfinished).toBe(0);
});

/** Reads on until nothing is kept, and returns how often that took. */
async function proceedAll(reader: FrameReader): Promise<number> {
  let breaks = 0;
  for (; reader.isParked; breaks += 1) {
    await ticks();
    reader.proceed();
  }
  return breaks;
}

describe("others have their turn between the messages of one client", () => {
  test("where they are many, and none is lost", async () => {
    const { reader, received } = readWith();
    const sent = Array.from({ length: 10_000 }, (_, index) => String(index));
    const lent = Buffer.concat(sent.map((text) => textFrame(text)));
    reader.push(lent);
    lent.fill("!");
    expect(received.length).toBeLessThan(3000);
    reader.push(textFrame("last"));
    expect(await proceedAll(reader)).toBeGreaterThan(2);
    expect(received).toEqual([...sent, "last"]);
  });

  test("which are sooner enough where they come in fragments", async () => {
    const { reader, passedOn } = readWith();
    const bytes = Buffer.concat([textFrame("", 0x01), ...Array<Buffer>(1000).fill(textFrame("x", 0x00))]);
    reader.push(bytes);
    expect(passedOn.length).toBeLessThan(200);
    expect(await proceedAll(reader)).toBeGreaterThan(5);
    expect(Buffer.concat(passedOn).equals(bytes)).toBe(true);
  });

  test("which counts for messages that come one by one, too", async () => {
    const { reader, received } = readWith();
    const three = Buffer.concat(["one", "two", "three"].map((text) => textFrame(text)));
    let breaks = 0;
    for (let count = 0; count < 3000; count += 1) {
      reader.push(Buffer.from(three));
      breaks += await proceedAll(reader);
    }
    expect(breaks).toBeGreaterThan(0);
    expect(received.length).toBe(9000);
  });
});

describe("what is unfinished", () => {
  test("is nothing where all that came was whole", () => {
    const { reader } = readWith();
    reader.push(Buffer.concat([textFrame("one"), textFrame("two")]));
    expect(reader.unfinished).toBe(0);
  });

  test("has one number until it is finished, however it comes, and the next has another", () => {
    const { reader, received } = readWith();
    const bytes = textFrame("x".repeat(1000));
    const seen = new Set<number>();
    for (const byte of bytes.subarray(0, -1)) {
      reader.push(Buffer.of(byte));
      seen.add(reader.unfinished);
    }
    expect(seen.size).toBe(1);
    // The end of one and the beginning of the next in one go: at no time was nothing unfinished.
    reader.push(Buffer.concat([bytes.subarray(-1), bytes.subarray(0, 5)]));
    expect(seen.has(reader.unfinished)).toBe(false);
    reader.push(bytes.subarray(5));
    expect(received).toHaveLength(2);
    expect(reader.unfinished).toBe(0);
  });

  test("is a frame that is too long to be held, too", () => {
    const { reader } = readWith();
    const bytes = textFrame("x".repeat(100_000));
    reader.push(bytes.subarray(0, 20));
    const number = reader.unfinished;
    expect(number).toBeGreaterThan(0);
    reader.push(bytes.subarray(20, 70_000));
    expect(reader.unfinished).toBe(number);
    reader.push(Buffer.concat([bytes.subarray(70_000), bytes.subarray(0, 20)]));
    expect(reader.unfinished).toBeGreaterThan(number);
  });

  test("is a message in fragments up to its last, whatever comes between them", () => {
    const { reader } = readWith();
    reader.push(textFrame("one", 0x01));
    const number = reader.unfinished;
    expect(number).toBeGreaterThan(0);
    const more = [textFrame("two", 0x00), textFrame("ping", 0x89), textFrame("three", 0x00)];
    for (const byte of Buffer.concat(more)) {
      reader.push(Buffer.of(byte));
      expect(reader.unfinished).toBe(number);
    }
    reader.push(textFrame("", 0x80));
    expect(reader.unfinished).toBe(0);
    reader.push(textFrame("one", 0x01));
    expect(reader.unfinished).toBeGreaterThan(number);
  });
});
