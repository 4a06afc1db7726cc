import { isUtf8 } from "node:buffer";
import type { ByteWriter } from "./byte-writer.ts";
import { type Decoder, everyone, type Framing, type FramingLimits, type MessageSink } from "./framing.ts";
import { LineDecoder } from "./line-decoder.ts";
import { ObjectScanner } from "./object-scanner.ts";

const newline = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const comma = 0x2c;
const closeBrace = 0x7d;
const digitZero = 0x30;
const digitNine = 0x39;
const lowerN = 0x6e;

const idField = "id";
const idKey = Buffer.from(`"${idField}":`);

/** JSON objects on lines: the process reads who sent a message in its `id`, and routes with the same field (spec section 5). */
export function createJsonFraming(limits: FramingLimits): Framing {
  const scanner = new ObjectScanner(idField);
  return {
    createDecoder: (sink) => new JsonDecoder(scanner, limits.maxLineBytes, sink),

    encode(connectionId, payload, isBinary, out) {
      const isText = !isBinary || isUtf8(payload);
      if (!isText || !scanner.scan(payload, 0, payload.length)) return "not_json_object";
      const start = out.length;
      encodeObject(scanner, connectionId, payload, out);
      if (payload.includes(newline) || payload.includes(carriageReturn)) joinLines(out.bytes, start, out.length);
      out.push(newline);
      return undefined;
    },

    encodeNotice(_connectionId, text, out) {
      out.append(text);
      out.push(newline);
    },
  };
}

/** Copies the object that was scanned, with `id` put in front and what the client wrote as `id` left out. */
function encodeObject(scanner: ObjectScanner, connectionId: number, payload: Buffer, out: ByteWriter): void {
  out.append(payload, 0, scanner.bodyStart);
  out.append(idKey);
  out.appendDecimal(connectionId);
  if (scanner.otherCount === 0) {
    out.push(closeBrace);
    return;
  }
  out.push(comma);
  // Where the last member goes, the comma behind the last one that stays goes too.
  const last = scanner.found.at(-1);
  const tail = last?.nextStart === -1 ? last : undefined;
  const bodyEnd = tail === undefined ? payload.length : scanner.lastOtherComma;
  let from = scanner.bodyStart;
  for (const member of scanner.found) {
    if (member.keyStart >= bodyEnd) break;
    out.append(payload, from, member.keyStart);
    from = member.nextStart;
  }
  out.append(payload, from, bodyEnd);
  if (tail !== undefined) out.append(payload, tail.valueEnd);
}

/** In valid JSON a line break can only stand between tokens, where a space says the same. */
function joinLines(bytes: Buffer, start: number, end: number): void {
  for (let at = start; at < end; at += 1) {
    if (bytes[at] === newline || bytes[at] === carriageReturn) bytes[at] = space;
  }
}

/** Finds out for whom each line of the process is. Only what can hold an `id` at all is looked at more closely. */
class JsonDecoder implements Decoder {
  readonly #scanner: ObjectScanner;
  readonly #sink: MessageSink;
  readonly #lines: LineDecoder;
  readonly #plainKeys = new Occurrences(Buffer.from(`"${idField}"`));
  readonly #escapes = new Occurrences(Buffer.from("\\u"));

  constructor(scanner: ObjectScanner, maxLineBytes: number, sink: MessageSink) {
    this.#scanner = scanner;
    this.#sink = sink;
    this.#lines = new LineDecoder(maxLineBytes, (bytes, start, end, isText) => {
      this.#route(bytes, start, end, isText);
    });
  }

  push(chunk: Buffer): void {
    this.#lines.push(chunk);
    this.#plainKeys.forget();
    this.#escapes.forget();
  }

  end(): void {
    this.#lines.end();
  }

  #route(bytes: Buffer, start: number, end: number, isText: boolean): void {
    const to = this.#canHoldId(bytes, start, end) ? this.#recipient(bytes, start, end) : everyone;
    if (to === undefined) this.#sink.onDrop("invalid_id");
    else this.#sink.onMessage(to, bytes, start, end, !isText);
  }

  #canHoldId(bytes: Buffer, start: number, end: number): boolean {
    return this.#plainKeys.isWithin(bytes, start, end) || this.#escapes.isWithin(bytes, start, end);
  }

  #recipient(bytes: Buffer, start: number, end: number): number | undefined {
    if (!this.#scanner.scan(bytes, start, end)) return everyone;
    const [id, another] = this.#scanner.found;
    if (id === undefined) return everyone;
    // Of several ids none is sure to be the one that was meant, and a private message must not reach the wrong client.
    return another === undefined ? parseId(bytes, id.valueStart, id.valueEnd) : undefined;
  }
}

/** The id that a JSON value stands for: {@link everyone} for null, undefined for what is no whole number from 1. */
function parseId(bytes: Buffer, start: number, end: number): number | undefined {
  const first = bytes[start] as number;
  if (first === lowerN) return everyone;
  if (first < digitZero || first > digitNine) return undefined;
  const id = Number(bytes.toString("latin1", start, end));
  return Number.isInteger(id) && id >= 1 ? id : undefined;
}

/** Where a few bytes occur next in a buffer, remembered from line to line so that each byte is searched once. */
class Occurrences {
  readonly #needle: Buffer;
  #bytes: Buffer | undefined;
  #next = 0;

  constructor(needle: Buffer) {
    this.#needle = needle;
  }

  isWithin(bytes: Buffer, start: number, end: number): boolean {
    if (bytes !== this.#bytes || this.#next < start) {
      const next = bytes.indexOf(this.#needle, start);
      this.#bytes = bytes;
      this.#next = next === -1 ? Number.POSITIVE_INFINITY : next;
    }
    return this.#next < end;
  }

  /** Lets go of the buffer, which would else live as long as the room. */
  forget(): void {
    this.#bytes = undefined;
  }
}
