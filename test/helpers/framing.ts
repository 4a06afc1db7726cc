import { isUtf8 } from "node:buffer";
import * as fc from "fast-check";
import type { DropReason } from "../../src/drop-reasons.ts";
import type { FrameMode, FrameOptions } from "../../src/frame-modes.ts";
import { type ErrorCode, ServerError } from "../../src/errors.ts";
import { ByteWriter } from "../../src/framing/byte-writer.ts";
import {
  type Decoder,
  everyone,
  type Framing,
  type FramingOptions,
  type MessageSink,
  type Recipients,
} from "../../src/framing/framing.ts";

/** The options of framings as they are without any flag, but with limits that a test may choose. */
export function framingOptions(options: Partial<FramingOptions> = {}): FramingOptions {
  return {
    maxMessageBytes: 1 << 20,
    maxLineBytes: 1 << 20,
    delimiters: undefined,
    nullDelimited: false,
    fromField: "id",
    toField: "id",
    cache: undefined,
    ...options,
  };
}

/** The options that ask for a framing by its name. */
export function frameOptions(mode: FrameMode): FrameOptions {
  const frames = { lines: undefined, raw: undefined, streams: undefined, json: "json", gwsocket: "binary" } as const;
  const stderr = mode === "streams" ? "clients" : "inherit";
  return { binary: mode === "raw", frame: frames[mode], clientFrame: undefined, serverFrame: undefined, stderr };
}

/** What came of a piece of output, in a form that compares exactly; bytes of binary messages as hexadecimal digits. */
export type OutputEvent =
  | { readonly to: number; readonly text: string }
  | { readonly to: number; readonly binary: string }
  | { readonly tagged: string }
  | { readonly only: readonly number[]; readonly text: string }
  | { readonly except: readonly number[]; readonly text: string }
  | { readonly closed: readonly number[] | "all"; readonly code: number; readonly reason: string }
  | { readonly closedExcept: readonly number[]; readonly code: number; readonly reason: string }
  | { readonly metadata: string }
  | { readonly dropped: DropReason }
  | { readonly thrown: ErrorCode };

export function text(content: string, to = everyone): OutputEvent {
  return { to, text: content };
}

export function binary(content: Buffer, to = everyone): OutputEvent {
  return { to, binary: content.toString("hex") };
}

export function dropped(reason: DropReason): OutputEvent {
  return { dropped: reason };
}

export function thrown(code: ErrorCode): OutputEvent {
  return { thrown: code };
}

/** Keeps a copy of all that a decoder says, and holds every text message to being UTF-8. */
export class RecordingSink implements MessageSink {
  readonly events: OutputEvent[] = [];

  onMessage(to: number, bytes: Buffer, start: number, end: number, isBinary: boolean): void {
    const content = bytes.subarray(start, end);
    if (!isBinary && !isUtf8(content)) throw new Error("a text message is not UTF-8");
    this.events.push(isBinary ? binary(content, to) : text(content.toString(), to));
  }

  onTaggedMessage(bytes: Buffer, start: number, end: number): void {
    this.events.push({ tagged: bytes.toString("utf8", start, end) });
  }

  onMessageTo({ ids, areExcluded }: Recipients, bytes: Buffer, start: number, end: number, isBinary: boolean): void {
    const content = bytes.toString(isBinary ? "hex" : "utf8", start, end);
    this.events.push(areExcluded ? { except: [...ids], text: content } : { only: [...ids], text: content });
  }

  onClose({ ids, areExcluded }: Recipients, code: number, reason: string): void {
    if (areExcluded && ids.size > 0) this.events.push({ closedExcept: [...ids], code, reason });
    else this.events.push({ closed: areExcluded ? "all" : [...ids], code, reason });
  }

  onMetadata(metadata: string): void {
    this.events.push({ metadata });
  }

  onDrop(reason: DropReason): void {
    this.events.push(dropped(reason));
  }
}

/** Decodes the whole output of a process, given in chunks; where the decoder throws, that is the last event. */
export function decode(framing: Framing, chunks: Iterable<Buffer | string>): OutputEvent[] {
  const sink = new RecordingSink();
  const decoder = framing.createDecoder(sink);
  const code = feed(decoder, chunks);
  if (code !== undefined) sink.events.push(thrown(code));
  return sink.events;
}

/** Pushes all chunks, each lent for the time of its push, and ends; gives the code of the error that stopped it, if one did. */
export function feed(decoder: Decoder, chunks: Iterable<Buffer | string>): ErrorCode | undefined {
  try {
    for (const chunk of chunks) {
      const lent = Buffer.from(chunk);
      decoder.push(lent);
      lent.fill("!");
    }
    decoder.end();
    return undefined;
  } catch (error) {
    if (error instanceof ServerError) return error.code;
    throw error;
  }
}

/** What the process reads after one client's message. */
export function encode(framing: Framing, connectionId: number, payload: Buffer | string, isBinary = false): Buffer {
  const out = new ByteWriter();
  const reason = framing.encoder.encode(connectionId, Buffer.from(payload), isBinary, out);
  if (reason !== undefined) throw new Error(`the message was dropped: ${reason}`);
  return out.take();
}

/** Why a client's message is dropped, if it is; the process then reads nothing of it. */
export function refusal(framing: Framing, payload: Buffer | string, isBinary = false): DropReason | undefined {
  const out = new ByteWriter();
  const reason = framing.encoder.encode(1, Buffer.from(payload), isBinary, out);
  if (reason !== undefined && out.length > 0) throw new Error("a dropped message left bytes behind");
  return reason;
}

/** What the process reads after a join or leave message. */
export function encodeNotice(framing: Framing, connectionId: number, notice: string): Buffer {
  const out = new ByteWriter();
  framing.encoder.encodeNotice(connectionId, Buffer.from(notice), out);
  return out.take();
}

/** Cuts bytes at the given places, in any order; those outside of the bytes are passed over. */
export function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const inside = new Set(places.filter((place) => place > 0 && place < bytes.length));
  const ends = [...inside, bytes.length].toSorted((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

export function inSingleBytes(bytes: Buffer): Buffer[] {
  return Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
}

/** Places for {@link cutAt}, for outputs of some hundred bytes. */
export const cutPlaces = fc.array(fc.nat({ max: 400 }), { maxLength: 24 });

/** Concatenates bytes from strings, numbers (one byte each) and buffers. */
export function bytesOf(...parts: readonly (string | number | Buffer)[]): Buffer {
  return Buffer.concat(parts.map((part) => (typeof part === "number" ? Buffer.of(part) : Buffer.from(part))));
}

/** A message in the strict mode of gwsocket; `length` is what its header announces. */
export function gwsocketMessage(id: number, type: number, payload: Buffer | string, length?: number): Buffer {
  const content = Buffer.from(payload);
  const header = Buffer.alloc(12);
  header.writeUInt32BE(id, 0);
  header.writeUInt32BE(type, 4);
  header.writeUInt32BE(length ?? content.length, 8);
  return Buffer.concat([header, content]);
}
