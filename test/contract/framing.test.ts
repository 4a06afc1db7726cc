import { isUtf8 } from "node:buffer";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DropReason } from "../../src/drop-reasons.ts";
import { ServerError } from "../../src/errors.ts";
import { ByteWriter } from "../../src/framing/byte-writer.ts";
import type { FrameMode } from "../../src/frame-modes.ts";
import { createFraming } from "../../src/framing/create-framing.ts";
import { everyone, type Framing } from "../../src/framing/framing.ts";
import {
  binary,
  bytesOf,
  cutAt,
  cutPlaces,
  decode,
  dropped,
  frameOptions,
  framingOptions,
  gwsocketMessage,
  inSingleBytes,
  type OutputEvent,
  RecordingSink,
  text,
} from "../helpers/framing.ts";
import { idSpellings, objectTexts, otherKeys, values } from "../helpers/json-texts.ts";

const maxBytes = 48;

/** One message on its way to the process: a client's, or a notice of the server. */
interface Input {
  readonly from: number;
  readonly payload: Buffer;
  readonly isBinary: boolean;
  readonly isNotice?: boolean;
}

interface FramingCase {
  readonly name: FrameMode;
  /** What a process may write: well formed, malformed, beyond the limits. */
  readonly output: fc.Arbitrary<Buffer>;
  /** Payloads that a client may send. */
  readonly payload: fc.Arbitrary<Buffer>;
  /** What the process finds in the bytes that it reads, found without the code under test. */
  readonly read: (input: Buffer) => unknown;
  /** What it should find there. */
  readonly sent: (inputs: readonly Input[]) => unknown;
  /** What comes of it when the process writes back what it reads. */
  readonly echoed: (inputs: readonly Input[], input: Buffer) => OutputEvent[];
  /** Output that cannot be read on from. */
  readonly tooMuch?: Buffer;
  /** Output that holds one message for nobody, and why. */
  readonly unusable?: { readonly output: Buffer; readonly reason: DropReason };
}

const anyBytes = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));

const linePiece = fc.oneof(
  anyBytes,
  fc.constantFrom("a", "é", "€", "😀", "\n", "\n", "\r\n", "\r", "x".repeat(30)).map((piece) => Buffer.from(piece)),
  fc.constantFrom(0xff, 0xc3, 0xe2, 0x82, 0xac).map((byte) => Buffer.of(byte)),
);

const jsonPiece = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom(...idSpellings), fc.constantFrom(...values)).map(renderMember) },
  fc.tuple(fc.constantFrom(...otherKeys), fc.constantFrom(...values)).map(renderMember),
  fc
    .constantFrom(
      `{"_to":[1,2]}\n`,
      String.raw`{"_excep\u0074":2}`,
      `{"id":3,"_close":4001,"_reason":"é"}\n`,
      `{"_close":1}\n`,
      `{"_meta":true,"a":"😀"}\n`,
    )
    .map((line) => Buffer.from(line)),
  linePiece,
);

const gwsocketPiece = fc
  .tuple(
    fc.constantFrom(0, 1, 2, 0xffff_ffff),
    fc.oneof({ weight: 8, arbitrary: fc.constantFrom(1, 2, 8) }, fc.constantFrom(0, 3, 0xffff_ffff)),
    fc.oneof(
      anyBytes,
      fc.string({ unit: "binary", maxLength: 10 }).map((payload) => Buffer.from(payload)),
      fc.constantFrom("0fa1", "03e8c3a9", "0001", "03e8ff", "03").map((hex) => Buffer.from(hex, "hex")),
    ),
  )
  .map(([id, type, payload]) => gwsocketMessage(id, type, payload));

const gwsocketEnding = fc.oneof(
  fc.constant(Buffer.alloc(0)),
  anyBytes,
  fc.constantFrom(0, 1, maxBytes).map((length) => gwsocketMessage(1, 2, "", length)),
  fc.constantFrom(maxBytes + 1, 0xffff_ffff).map((length) => gwsocketMessage(1, 2, "abc", length)),
);

const cases: readonly FramingCase[] = [
  {
    name: "lines",
    output: joined(linePiece),
    payload: anyBytes.filter((payload) => !payload.includes("\n")),
    read: linesOf,
    sent: (inputs) => inputs.map(({ payload }) => payload.toString("latin1")),
    echoed: (inputs) =>
      inputs.map(({ payload }) => {
        const line = payload.at(-1) === 0x0d ? payload.subarray(0, -1) : payload;
        return isUtf8(line) ? text(line.toString()) : binary(line);
      }),
    tooMuch: Buffer.from(`${"x".repeat(maxBytes + 1)}\n`),
  },
  {
    name: "streams",
    output: joined(linePiece),
    payload: anyBytes.filter((payload) => !payload.includes("\n")),
    read: linesOf,
    sent: (inputs) => inputs.map(({ payload }) => payload.toString("latin1")),
    echoed: (inputs) =>
      inputs.map(({ payload }) => {
        const line = payload.at(-1) === 0x0d ? payload.subarray(0, -1) : payload;
        return text(JSON.stringify({ stream: "stdout", data: line.toString() }));
      }),
    tooMuch: Buffer.from(`${"x".repeat(maxBytes + 1)}\n`),
  },
  {
    name: "raw",
    output: anyBytes,
    payload: anyBytes,
    read: (input) => input.toString("hex"),
    sent: (inputs) => Buffer.concat(inputs.map(({ payload }) => payload)).toString("hex"),
    echoed: (_inputs, input) => [binary(input)],
  },
  {
    name: "json",
    output: joined(jsonPiece),
    payload: objectTexts.map((object) => Buffer.from(object.text)),
    read: (input) => linesOf(input).map((line) => JSON.stringify(JSON.parse(Buffer.from(line, "latin1").toString()))),
    sent: (inputs) => inputs.map(sentAsJson),
    echoed: (inputs, input) =>
      linesOf(input).map((line, index) => {
        const { from, isNotice } = inputs[index] as Input;
        return text(Buffer.from(line, "latin1").toString(), isNotice ? everyone : from);
      }),
    tooMuch: Buffer.from(`{"id":1,"a":"${"x".repeat(maxBytes)}"}\n`),
    unusable: { output: Buffer.from(`{"id":"1"}\n`), reason: "invalid_id" },
  },
  {
    name: "gwsocket",
    output: fc.tuple(joined(gwsocketPiece), gwsocketEnding).map((parts) => Buffer.concat(parts)),
    payload: anyBytes,
    read: gwsocketMessagesOf,
    sent: (inputs) => inputs.map(({ from, payload, isBinary }) => [from, isBinary ? 2 : 1, payload.toString("hex")]),
    echoed: (inputs) => inputs.map(echoedByGwsocket),
    tooMuch: gwsocketMessage(1, 2, "", maxBytes + 1),
    unusable: { output: gwsocketMessage(1, 3, "abc"), reason: "unknown_type" },
  },
];

function joined(piece: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  return fc.array(piece, { maxLength: 12 }).map((pieces) => Buffer.concat(pieces));
}

function renderMember([key, value]: readonly [string, string]): Buffer {
  return Buffer.from(`{${key}:${value}}\n`);
}

function linesOf(input: Buffer): string[] {
  const lines = input.toString("latin1").split("\n");
  expect(lines.pop()).toBe("");
  return lines;
}

function sentAsJson({ from, payload, isNotice }: Input): string {
  const { id: _, ...rest } = JSON.parse(payload.toString()) as Record<string, unknown>;
  return JSON.stringify(isNotice ? rest : { id: from, ...rest });
}

function gwsocketMessagesOf(input: Buffer): unknown[] {
  const messages: unknown[] = [];
  for (let at = 0, end; at < input.length; at = end) {
    end = at + 12 + input.readUInt32BE(at + 8);
    expect(end).toBeLessThanOrEqual(input.length);
    messages.push([input.readUInt32BE(at), input.readUInt32BE(at + 4), input.toString("hex", at + 12, end)]);
  }
  return messages;
}

function echoedByGwsocket({ from, payload, isBinary }: Input): OutputEvent {
  if (isBinary) return binary(payload, from);
  return isUtf8(payload) ? text(payload.toString(), from) : dropped("invalid_utf8");
}

/** Without framing a cut is all that parts one message from the next: only the bytes together can be compared. */
function comparable(name: FrameMode, events: readonly OutputEvent[]): unknown {
  if (name !== "raw") return events;
  return events.map((event) => (event as { to: 0; binary: string }).binary).join("");
}

function framingOf(name: FrameMode, limit: number): Framing {
  return createFraming({ ...frameOptions(name), ...framingOptions({ maxMessageBytes: limit, maxLineBytes: limit }) });
}

function encodeAll(framing: Framing, inputs: readonly Input[]): Buffer {
  const out = new ByteWriter();
  for (const { from, payload, isBinary, isNotice } of inputs) {
    if (isNotice) framing.encoder.encodeNotice(from, payload, out);
    else expect(framing.encoder.encode(from, payload, isBinary, out)).toBeUndefined();
  }
  return out.take();
}

describe.each(cases)("framing $name", ({ name, output, payload, read, sent, echoed }) => {
  const framing = framingOf(name, maxBytes);

  const input = fc.record({
    from: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 0xffff_ffff })),
    payload,
    isBinary: fc.boolean(),
  });
  const inputs = fc.array(input, { maxLength: 6 });

  test("output comes out the same, however it is cut", () => {
    fc.assert(
      fc.property(output, cutPlaces, (bytes, places) => {
        const whole = comparable(name, decode(framing, [bytes]));
        expect(comparable(name, decode(framing, cutAt(bytes, places)))).toEqual(whole);
        expect(comparable(name, decode(framing, inSingleBytes(bytes)))).toEqual(whole);
      }),
      { numRuns: 150 },
    );
  });

  test("no output gives no message", () => {
    expect(decode(framing, [])).toEqual([]);
  });

  test("an empty chunk changes nothing", () => {
    fc.assert(
      fc.property(output, cutPlaces, (bytes, places) => {
        const chunks = cutAt(bytes, places);
        const withEmpty = chunks.flatMap((chunk) => [Buffer.alloc(0), chunk, Buffer.alloc(0)]);
        expect(comparable(name, decode(framing, withEmpty))).toEqual(comparable(name, decode(framing, chunks)));
      }),
      { numRuns: 50 },
    );
  });

  test("a chunk may be overwritten once it was pushed", () => {
    fc.assert(
      fc.property(output, cutPlaces, (bytes, places) => {
        const chunks = cutAt(bytes, places);
        expect(decode(framing, throughOneBuffer(chunks, bytes.length))).toEqual(decode(framing, chunks));
      }),
      { numRuns: 50 },
    );
  });

  test("two processes do not mix, though both write half a message at a time", () => {
    fc.assert(
      fc.property(output, output, cutPlaces, (one, other, places) => {
        const expected = [one, other].map((bytes) => decode(framing, cutAt(bytes, places)));
        fc.pre(expected.flat().every((event) => !("thrown" in event)));
        const sinks = [new RecordingSink(), new RecordingSink()] as const;
        const decoders = sinks.map((sink) => framing.createDecoder(sink));
        const chunks = [cutAt(one, places), cutAt(other, places)] as const;
        for (let turn = 0; turn < Math.max(chunks[0].length, chunks[1].length); turn += 1) {
          for (const [index, decoder] of decoders.entries()) {
            const chunk = chunks[index]?.[turn];
            if (chunk !== undefined) decoder.push(chunk);
          }
        }
        for (const decoder of decoders) decoder.end();
        expect(sinks.map((sink) => sink.events)).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });

  test("the process reads every message of every client, in order", () => {
    fc.assert(
      fc.property(inputs, (messages) => {
        expect(read(encodeAll(framing, messages))).toEqual(sent(messages));
      }),
      { numRuns: 150 },
    );
  });

  test("the join message is read before a client's messages and the leave message after them", () => {
    fc.assert(
      fc.property(inputs, (messages) => {
        const [join, leave] = ["join", "leave"].map((event) => ({
          from: 7,
          payload: Buffer.from(JSON.stringify({ event })),
          isBinary: false,
          isNotice: true,
        })) as [Input, Input];
        const all = [join, ...messages, leave];
        expect(read(encodeAll(framing, all))).toEqual(sent(all));
      }),
      { numRuns: 50 },
    );
  });

  test("a client's payload is left as it was", () => {
    fc.assert(
      fc.property(input, (message) => {
        const before = message.payload.toString("hex");
        const out = new ByteWriter();
        framing.encoder.encode(message.from, message.payload, message.isBinary, out);
        out.take().fill(0);
        expect(message.payload.toString("hex")).toBe(before);
      }),
      { numRuns: 50 },
    );
  });

  test("a process that writes back what it reads is understood", () => {
    const roomy = framingOf(name, 1 << 20);
    fc.assert(
      fc.property(inputs, cutPlaces, (messages, places) => {
        const bytes = encodeAll(roomy, messages);
        const events = decode(roomy, cutAt(bytes, places));
        expect(comparable(name, events)).toEqual(comparable(name, echoed(messages, bytes)));
      }),
      { numRuns: 100 },
    );
  });
});

describe.each(casesWith("tooMuch"))("framing $name with limits", ({ name, tooMuch }) => {
  const framing = framingOf(name, maxBytes);
  const message = encodeAll(framing, [{ from: 3, payload: Buffer.from("{}"), isBinary: false }]);

  test("output beyond the limit ends the reading, after what came before it", () => {
    const sink = new RecordingSink();
    const decoder = framing.createDecoder(sink);
    const error = catchError(() => decoder.push(bytesOf(message, tooMuch)));
    expect(error).toBeInstanceOf(ServerError);
    expect(error).toMatchObject({ code: "ERR_OUTPUT", message: expect.stringContaining(`more than ${maxBytes}`) });
    expect(sink.events).toHaveLength(1);
    expect(sink.events).toEqual(decode(framing, [message]));
  });
});

describe.each(casesWith("unusable"))("framing $name with drops", ({ name, unusable }) => {
  const framing = framingOf(name, maxBytes);
  const message = encodeAll(framing, [{ from: 3, payload: Buffer.from("{}"), isBinary: false }]);

  test("a message that is for nobody is reported, and those around it arrive", () => {
    const [event] = decode(framing, [message]);
    const output = bytesOf(message, unusable.output, message);
    expect(decode(framing, [output])).toEqual([event, dropped(unusable.reason), event]);
  });
});

function casesWith<Key extends "tooMuch" | "unusable">(key: Key): (FramingCase & Required<Pick<FramingCase, Key>>)[] {
  return cases.filter((each): each is FramingCase & Required<Pick<FramingCase, Key>> => each[key] !== undefined);
}

/** The chunks, each in the same piece of memory as the one before. */
function* throughOneBuffer(chunks: readonly Buffer[], size: number): Generator<Buffer> {
  const memory = Buffer.alloc(size);
  for (const chunk of chunks) {
    memory.fill(0xff);
    chunk.copy(memory);
    yield memory.subarray(0, chunk.length);
  }
}

function catchError(action: () => void): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}
