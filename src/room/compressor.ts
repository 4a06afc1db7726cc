import { ByteWriter } from "../framing/byte-writer.ts";
import type { WireCompression, WireFormat } from "../links.ts";
import { leftOut, numbersPerEdit } from "./client-edits.ts";
import type { Connection } from "./connection.ts";

/** What is compressed at once takes no longer than some 20 ms; what comes behind that stays plain. */
const maxBytesAtOnce = 4 * 1024 * 1024;
/** A message takes as long as if it had so many bytes, however short it is. */
const minBytesPerMessage = 2048;

/** Compresses what everyone gets, once for all clients that read it so, and only where there is one. */
export class Compressor {
  readonly #compression: WireCompression;
  /** Those that are to be compressed. */
  #messages: Span[] = [];
  #bytesLeft = maxBytesAtOnce;

  private constructor(compression: WireCompression) {
    this.#compression = compression;
  }

  /** Undefined where no client reads what is compressed. */
  static create({ compression }: WireFormat): Compressor | undefined {
    return compression === undefined ? undefined : new Compressor(compression);
  }

  /** One more message stands at the end of what everyone gets, with its payload from `payload` up to `end`. */
  add(start: number, payload: number, end: number, isBinary: boolean): void {
    const length = end - payload;
    const { minBytes, maxBytes } = this.#compression;
    if (length < minBytes || length > maxBytes || this.#bytesLeft <= 0) return;
    this.#bytesLeft -= Math.max(length, minBytesPerMessage);
    this.#messages.push({ start, payload, end, isBinary });
  }

  /** The same messages in fewer bytes; undefined where nobody wants that or nothing becomes shorter. Forgets them. */
  take(common: Buffer, connections: Iterable<Connection>): Compressed | undefined {
    const messages = this.#messages;
    if (messages.length === 0) return undefined;
    this.#messages = [];
    this.#bytesLeft = maxBytesAtOnce;
    for (const { isCompressing } of connections) if (isCompressing) return this.#compressAll(common, messages);
    return undefined;
  }

  #compressAll(common: Buffer, messages: readonly Span[]): Compressed | undefined {
    const out = new ByteWriter();
    const savings: Saving[] = [];
    let copied = 0;
    for (const { start, payload, end, isBinary } of messages) {
      const compressed = this.#compression.compress(common.subarray(payload, end), isBinary);
      if (compressed === undefined) continue;
      out.append(common, copied, start);
      out.append(compressed);
      copied = end;
      savings.push({ end, bytes: end - out.length });
    }
    if (savings.length === 0) return undefined;
    out.append(common, copied);
    return new Compressed(out.take(), savings);
  }
}

/** Where a message stands among what everyone gets. */
interface Span {
  readonly start: number;
  readonly payload: number;
  readonly end: number;
  readonly isBinary: boolean;
}

/** From the end of a message on, how many bytes less than in the plain ones stand before that. */
interface Saving {
  readonly end: number;
  readonly bytes: number;
}

/** What everyone gets, in fewer bytes. */
export class Compressed {
  readonly bytes: Buffer;
  readonly #savings: readonly Saving[];

  constructor(bytes: Buffer, savings: readonly Saving[]) {
    this.bytes = bytes;
    this.#savings = savings;
  }

  /** One client's edits of the plain bytes, as those of these. */
  editsOf(edits: readonly number[]): number[] {
    const translated: number[] = [];
    let index = 0;
    let saved = 0;
    // Edits stand in order, and only between messages.
    const translate = (offset: number): number => {
      for (let next = this.#savings[index]; next !== undefined && next.end <= offset; next = this.#savings[index]) {
        saved = next.bytes;
        index += 1;
      }
      return offset - saved;
    };
    for (let at = 0; at < edits.length; at += numbersPerEdit) {
      const start = edits[at + 1] as number;
      const end = edits[at + 2] as number;
      translated.push(translate(edits[at] as number), start, start === leftOut ? translate(end) : end);
    }
    return translated;
  }
}
