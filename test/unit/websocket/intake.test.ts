import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { Writable } from "node:stream";
import { setImmediate as immediate } from "node:timers/promises";
import { constants, deflateRawSync, type ZlibOptions } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as ws from "ws";
import { Intake } from "../../../src/websocket/intake.ts";
import { isTurnSpent } from "../../../src/websocket/turns.ts";
import { frame } from "../../helpers/raw-client.ts";
import { until } from "../../helpers/until.ts";

const maxMessageBytes = 100_000;
const isFinal = true;
const text = 0x1;
const binary = 0x2;
const continuation = 0x0;
const compressed = 4;

/** What a client's messages, and the end of its connection, come out as. */
class Outcome {
  readonly said: string[] = [];
  end = "";

  message(payload: Buffer, isBinary: boolean): void {
    if (this.end === "") this.said.push(`${isBinary ? "binary" : "text"} ${payload.toString("base64")}`);
  }

  control(name: string, payload: Buffer): void {
    if (this.end === "") this.said.push(`${name} ${payload.toString("hex")}`);
  }

  over(code: number): void {
    if (this.end === "") this.end = `over with ${code}`;
  }
}

/** An intake on a socket that hands over its chunks while it is not paused. */
class Setup {
  readonly outcome = new Outcome();
  readonly intake: Intake;
  isSocketPaused = false;
  /** Called with each message. */
  onMessage: () => void = () => undefined;
  #rest: Buffer | null = null;

  constructor(maxBytes = maxMessageBytes, isCompressing = true) {
    const socket = {
      pause: () => void (this.isSocketPaused = true),
      resume: () => void (this.isSocketPaused = false),
      read: () => this.#rest,
    };
    const { outcome } = this;
    const events = {
      id: 1,
      onMessage: (payload: Buffer, isBinary: boolean) => {
        outcome.message(payload, isBinary);
        this.onMessage();
      },
      onControl: () => undefined,
      onClose: () => undefined,
    };
    const owner = {
      get isReading() {
        return outcome.end === "";
      },
      onPing: (payload: Buffer) => outcome.control("ping", payload),
      onPong: (payload: Buffer) => outcome.control("pong", payload),
      onConclude: (code: number) => outcome.over(code),
      onFault: (code: number) => outcome.over(code),
    };
    const limits = { maxMessageBytes: maxBytes };
    this.intake = new Intake(socket as unknown as Socket, events, owner, limits, isCompressing);
  }

  get said(): string[] {
    return this.outcome.said.map((line) => Buffer.from(line.split(" ")[1] ?? "", "base64").toString());
  }

  /** Hands over a chunk that is only there during the call. */
  lend(chunk: Buffer): void {
    const lent = Buffer.from(chunk);
    this.intake.push(lent);
    lent.fill("!");
  }

  /** Hands over a chunk as soon as the socket is not paused, and waits for what comes of it. */
  async push(chunk: Buffer): Promise<void> {
    await until(() => !this.isSocketPaused || this.outcome.end !== "", "the socket to be read");
    if (this.outcome.end === "") this.lend(chunk);
    await immediate();
  }

  /** The connection ends with bytes that were not handed over. */
  async finish(rest: Buffer | null = null): Promise<void> {
    this.#rest = rest;
    await new Promise<void>((resolve) => {
      this.intake.finish(resolve);
    });
  }
}

/** The parts of `ws` that its types leave out. */
type Receiver = Writable;
interface Deflate {
  accept(offers: object[]): void;
}
const { Receiver, PerMessageDeflate } = ws as unknown as {
  Receiver: new (options: object) => Receiver;
  PerMessageDeflate: new (options: object) => Deflate;
};

/** What `ws` makes of the same bytes. */
async function readByWs(chunks: readonly Buffer[]): Promise<Outcome> {
  const outcome = new Outcome();
  const deflate = new PerMessageDeflate({ isServer: true, maxPayload: maxMessageBytes, clientNoContextTakeover: true });
  deflate.accept([{}]);
  const options = { isServer: true, maxPayload: maxMessageBytes, extensions: { "permessage-deflate": deflate } };
  const receiver = new Receiver(options);
  receiver.on("message", (payload: Buffer, isBinary: boolean) => outcome.message(payload, isBinary));
  receiver.on("ping", (payload: Buffer) => outcome.control("ping", payload));
  receiver.on("pong", (payload: Buffer) => outcome.control("pong", payload));
  receiver.on("conclude", (code: number) => outcome.over(code));
  receiver.on("error", (error) => outcome.over(statusOf(error)));
  for (const chunk of chunks) {
    if (outcome.end !== "") break;
    await new Promise((resolve) => {
      receiver.write(Buffer.from(chunk), resolve);
    });
    await immediate();
  }
  return outcome;
}

function statusOf(error: object): number {
  const symbol = Object.getOwnPropertySymbols(error).find(({ description }) => description === "status-code");
  return (error as Record<symbol, number>)[symbol as symbol] as number;
}

function deflated(content: Buffer | string, options: ZlibOptions = {}): Buffer {
  return deflateRawSync(content, { ...options, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

/** Pieces that a client compresses one by one, as those of one message. */
function flushed(pieces: readonly Buffer[], options: ZlibOptions = {}): Buffer[] {
  const trailer = Buffer.of(0x00, 0x00, 0xff, 0xff);
  return pieces.map((piece, index) =>
    index === pieces.length - 1 ? deflated(piece, options) : Buffer.concat([deflated(piece, options), trailer]),
  );
}

/** A compressed message in one frame. */
function compressedFrame(content: Buffer | string, opcode = text): Buffer {
  return frame(opcode, deflated(content), { reservedBits: compressed });
}

/** A compressed message in as many fragments as there are places, and one. */
function compressedFragments(content: Buffer | string, places: readonly number[], opcode = text): Buffer {
  return fragments(cut(deflated(content), places), true, opcode);
}

function fragments(pieces: readonly Buffer[], isCompressed = false, opcode = binary): Buffer {
  return Buffer.concat(
    pieces.map((piece, index) =>
      frame(index === 0 ? opcode : continuation, piece, {
        isFinal: index === pieces.length - 1,
        reservedBits: isCompressed && index === 0 ? compressed : 0,
      }),
    ),
  );
}

/** Each of these bytes takes 9 bits where a block cannot be stored. */
function incompressible(length: number): Buffer {
  return Buffer.from(randomBytes(length).map((byte) => 144 + (byte % 112)));
}

/** As small as they may be without being more than 1000. */
function piecesOf(content: Buffer): Buffer[] {
  const length = Math.ceil(content.length / 1000);
  return cut(
    content,
    Array.from({ length: Math.ceil(content.length / length) - 1 }, (_each, index) => (index + 1) * length),
  );
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b);
  return [...sorted, bytes.length].map((end, index) => bytes.subarray(sorted[index - 1] ?? 0, end));
}

const contents = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: "grapheme", maxLength: 60 }).map((content) => Buffer.from(content)) },
  { weight: 2, arbitrary: fc.constantFrom(70_000, 100_000).map((length) => Buffer.alloc(length, "abc")) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.constant(Buffer.alloc(100_001, "x")) },
);
const opcodes = fc.constantFrom(text, binary);
const places = fc.array(fc.nat(), { minLength: 1, maxLength: 3 });
const good = fc.oneof(
  fc.tuple(contents, opcodes).map(([content, opcode]) => compressedFrame(content, opcode)),
  fc.tuple(contents, places, opcodes).map(([content, at, opcode]) => compressedFragments(content, at, opcode)),
  fc.string({ maxLength: 20 }).map((content) => frame(text, content)),
  fc.constantFrom(0x9, 0xa).map((opcode) => frame(opcode, "!")),
);
const odd = fc.oneof(
  // Garbage that claims to be compressed, whole and in part.
  fc.uint8Array({ maxLength: 30 }).map((bytes) => frame(text, Buffer.from(bytes), { reservedBits: compressed })),
  fc
    .uint8Array({ maxLength: 30 })
    .map((bytes) =>
      Buffer.concat([
        frame(binary, Buffer.from(bytes), { reservedBits: compressed, isFinal: !isFinal }),
        frame(continuation, "x"),
      ]),
    ),
  fc.constantFrom(
    frame(continuation, "x", { reservedBits: compressed }),
    frame(0x9, "x", { reservedBits: compressed }),
    frame(text, "x", { reservedBits: 6 }),
    frame(text, deflated("x"), { reservedBits: compressed, isMasked: false }),
    frame(0x8, Buffer.of(0x03, 0xe8)),
    // The last block of a stream, and something behind it.
    frame(text, Buffer.concat([deflateRawSync("the end")]), { reservedBits: compressed }),
  ),
);
const streams = fc
  .array(fc.oneof({ weight: 8, arbitrary: good }, { weight: 1, arbitrary: odd }), { maxLength: 10 })
  .map((frames) => Buffer.concat(frames));

test("whatever a client compresses, and however it is cut and paused, it comes out as from ws alone", async () => {
  const pauses = fc.array(fc.boolean(), { maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(streams, fc.array(fc.nat(), { maxLength: 5 }), pauses, async (bytes, at, pausesAt) => {
      const chunks = cut(bytes, at);
      const setup = new Setup();
      let count = 0;
      setup.onMessage = () => {
        if (!pausesAt[count++]) return;
        setup.intake.pause();
        setImmediate(() => setup.intake.resume());
      };
      for (const chunk of chunks) await setup.push(chunk);
      await until(() => !setup.isSocketPaused || setup.outcome.end !== "", "everything to be read");
      expect(setup.outcome).toEqual(await readByWs(chunks));
    }),
    { numRuns: 400 },
  );
});

describe("a client that is paused by a compressed message", () => {
  const words = ["one", "two", "three", "four"];
  const inOneFrameEach = Buffer.concat(words.map((word) => compressedFrame(word)));
  const inFragments = Buffer.concat(words.map((word) => compressedFragments(word, [1])));

  test.each([
    ["in one frame each", inOneFrameEach],
    ["in fragments", inFragments],
  ])("is not read on, though more has come %s, until it is resumed", async (_how, bytes) => {
    const setup = new Setup();
    setup.onMessage = () => setup.intake.pause();
    for (let count = 1; count <= words.length; count += 1) {
      if (count === 1) await setup.push(bytes);
      else setup.intake.resume();
      await until(() => setup.said.length === count, "a message");
      await immediate();
      await immediate();
      expect(setup.said).toEqual(words.slice(0, count));
      expect(setup.isSocketPaused).toBe(true);
    }
    setup.intake.resume();
    expect(setup.isSocketPaused).toBe(false);
  });

  test.each([
    ["in one frame each", inOneFrameEach],
    ["in fragments", inFragments],
  ])("and goes away is heard to its end, %s", async (_how, bytes) => {
    const setup = new Setup();
    setup.onMessage = () => setup.intake.pause();
    setup.lend(bytes);
    await setup.finish(compressedFragments("last", [2]));
    expect(setup.said).toEqual([...words, "last"]);
  });

  test("and goes away is heard no longer than it takes to fill a room", async () => {
    const mebibyte = Buffer.alloc(1024 * 1024);
    const setup = new Setup(mebibyte.length);
    setup.onMessage = () => setup.intake.pause();
    setup.lend(Buffer.concat(Array.from({ length: 40 }, () => compressedFrame(mebibyte, binary))));
    await setup.finish();
    expect(setup.outcome.said.length).toBeLessThanOrEqual(3);
  });
});

test.each([
  ["large", 3, 1, compressedFrame(Buffer.alloc(maxMessageBytes), binary)],
  ["small", 1000, 65, compressedFrame("x")],
])("others have their turn between %s messages of one client", async (_size, count, atMost, message) => {
  const setup = new Setup();
  setup.lend(Buffer.concat(Array.from({ length: count }, () => message)));
  expect(setup.outcome.said.length).toBeLessThanOrEqual(atMost);
  expect(setup.isSocketPaused).toBe(true);
  await until(() => setup.outcome.said.length === count, "the others");
  await immediate();
  expect(setup.isSocketPaused).toBe(false);
});

test("a client that goes away while its messages are read bit by bit is heard to its end", async () => {
  const setup = new Setup(maxMessageBytes, false);
  const sent = Array.from({ length: 5000 }, (_, index) => String(index));
  setup.lend(Buffer.concat(sent.map((each) => frame(text, each))));
  expect(setup.said.length).toBeLessThan(sent.length);
  await setup.finish(frame(text, "last"));
  expect(setup.said).toEqual([...sent, "last"]);
});

test("a compressed message waits for another turn where this one is spent, and comes then", async () => {
  const setup = new Setup();
  while (!isTurnSpent()) Math.sqrt(2);
  setup.lend(Buffer.concat([frame(text, "plain"), compressedFrame("one"), frame(text, "two")]));
  expect(setup.said).toEqual(["plain"]);
  await until(() => setup.said.length === 3, "the others");
  expect(setup.said).toEqual(["plain", "one", "two"]);
});

test("where compression was not agreed on, a compressed message breaks the protocol", async () => {
  const setup = new Setup(maxMessageBytes, false);
  await setup.push(compressedFrame("hello"));
  expect(setup.outcome).toMatchObject({ said: [], end: "over with 1002" });
});

describe.each([1, 1000, 100_000])("where a message may have %i bytes", (maxBytes) => {
  test.each<[how: string, framesOf: (content: Buffer) => Buffer]>([
    ["plain", (content) => frame(binary, content)],
    ["plain and in fragments", (content) => fragments(piecesOf(content))],
    ["compressed", (content) => compressedFrame(content, binary)],
    [
      "compressed with a small window",
      (content) => fragments([deflated(content, { windowBits: 9, memLevel: 4 })], true),
    ],
    ["compressed with little memory", (content) => fragments([deflated(content, { memLevel: 1 })], true)],
    ["compressed and in fragments", (content) => compressedFragments(content, [1, 10, 1000], binary)],
    ["in fragments that are flushed", (content) => fragments(flushed(piecesOf(content)), true)],
    ["in fragments that are stored", (content) => fragments(flushed(piecesOf(content), { level: 0 }), true)],
  ])("one of as many passes, and one more is too much: %s", async (_how, framesOf) => {
    const content = incompressible(maxBytes);
    const setup = new Setup(maxBytes);
    await setup.push(framesOf(content));
    await until(() => setup.outcome.said.length === 1, "the message");
    expect(setup.outcome).toEqual({ said: [`binary ${content.toString("base64")}`], end: "" });
    await setup.push(Buffer.concat([framesOf(incompressible(maxBytes + 1)), frame(text, "!")]));
    await until(() => setup.outcome.end !== "", "the end");
    await immediate();
    expect(setup.outcome).toMatchObject({ said: { length: 1 }, end: "over with 1009" });
  });
});
