import { isUtf8 } from "node:buffer";
import { ServerError } from "../errors.ts";
import { ByteWriter } from "./byte-writer.ts";
import { giveBackBuffer } from "./spare-buffers.ts";
import type { Decoder } from "./framing.ts";
import { type LineFormat, newlineFormat } from "./line-format.ts";

/** Takes one line without its end; `isText` says whether it is UTF-8. The bytes are lent. */
export type LineHandler = (bytes: Buffer, start: number, end: number, isText: boolean) => void;

/** Cuts a stream into lines. Each byte is looked at once for each delimiter, however the stream is cut. */
export class LineDecoder implements Decoder {
  hasLine = false;
  readonly #maxLineBytes: number;
  readonly #onLine: LineHandler;
  readonly #delimiter: number;
  readonly #otherDelimiters: readonly number[];
  readonly #trimmed: number;
  /** The beginning of a line whose end has not come yet. */
  readonly #unfinished = new ByteWriter();

  constructor(maxLineBytes: number, onLine: LineHandler, format: LineFormat = newlineFormat) {
    this.#maxLineBytes = maxLineBytes;
    this.#onLine = onLine;
    this.#delimiter = format.delimiter;
    this.#otherDelimiters = format.otherDelimiters;
    this.#trimmed = format.trimmed;
  }

  push(output: Buffer): void {
    const chunk = this.#otherDelimiters.length === 0 ? output : this.#withOneDelimiter(output);
    const first = chunk.indexOf(this.#delimiter);
    if (first === -1) {
      this.#keep(chunk, 0);
      return;
    }
    this.hasLine = true;
    const start = this.#unfinished.length > 0 ? this.#finishLine(chunk, first) : 0;
    const end = this.#emitLines(chunk, start);
    this.#keep(chunk, end);
  }

  end(): void {
    if (this.#unfinished.length === 0) return;
    const line = this.#unfinished.take();
    this.#onLine(line, 0, line.length, isUtf8(line));
    giveBackBuffer(line);
  }

  /** The same with each delimiter made the first one: a copy, since the chunk is not ours. */
  #withOneDelimiter(chunk: Buffer): Buffer {
    let copy: Buffer | undefined;
    for (const other of this.#otherDelimiters) {
      for (let at = chunk.indexOf(other); at !== -1; at = chunk.indexOf(other, at + 1)) {
        copy ??= Buffer.from(chunk);
        copy[at] = this.#delimiter;
      }
    }
    return copy ?? chunk;
  }

  #finishLine(chunk: Buffer, end: number): number {
    this.#keep(chunk, 0, end);
    const line = this.#unfinished.take();
    this.#emit(line, 0, line.length, isUtf8(line));
    giveBackBuffer(line);
    return end + 1;
  }

  /** Emits all whole lines from `start` and returns the offset behind them. */
  #emitLines(chunk: Buffer, start: number): number {
    const delimiter = this.#delimiter;
    const last = chunk.lastIndexOf(delimiter);
    if (last < start) return start;
    // A delimiter is never part of a longer character: lines are UTF-8 if all of them together are.
    const allText = isUtf8(chunk.subarray(start, last));
    let from = start;
    while (from <= last) {
      const to = chunk.indexOf(delimiter, from);
      this.#emit(chunk, from, to, allText || isUtf8(chunk.subarray(from, to)));
      from = to + 1;
    }
    return from;
  }

  #emit(bytes: Buffer, start: number, end: number, isText: boolean): void {
    const isTrimmed = end > start && bytes[end - 1] === this.#trimmed;
    this.#checkLength(end - start);
    this.#onLine(bytes, start, isTrimmed ? end - 1 : end, isText);
  }

  #keep(chunk: Buffer, start: number, end = chunk.length): void {
    this.#checkLength(this.#unfinished.length + end - start);
    if (end > start) this.#unfinished.append(chunk, start, end);
  }

  #checkLength(length: number): void {
    if (length <= this.#maxLineBytes) return;
    throw new ServerError("ERR_OUTPUT", `process wrote a line of more than ${this.#maxLineBytes} bytes`);
  }
}
