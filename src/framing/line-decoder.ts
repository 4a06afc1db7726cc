import { isUtf8 } from "node:buffer";
import { ServerError } from "../errors.ts";
import { ByteWriter } from "./byte-writer.ts";
import type { Decoder } from "./framing.ts";

const newline = 0x0a;
const carriageReturn = 0x0d;

/** Takes one line without its end; `isText` says whether it is UTF-8. */
export type LineHandler = (bytes: Buffer, start: number, end: number, isText: boolean) => void;

/** Cuts a stream into lines that end in `\n` or `\r\n`. Each byte is looked at once, however the stream is cut. */
export class LineDecoder implements Decoder {
  readonly #maxLineBytes: number;
  readonly #onLine: LineHandler;
  /** The beginning of a line whose end has not come yet. */
  readonly #unfinished = new ByteWriter();

  constructor(maxLineBytes: number, onLine: LineHandler) {
    this.#maxLineBytes = maxLineBytes;
    this.#onLine = onLine;
  }

  push(chunk: Buffer): void {
    const first = chunk.indexOf(newline);
    if (first === -1) {
      this.#keep(chunk, 0);
      return;
    }
    const start = this.#unfinished.length > 0 ? this.#finishLine(chunk, first) : 0;
    const end = this.#emitLines(chunk, start);
    this.#keep(chunk, end);
  }

  end(): void {
    if (this.#unfinished.length === 0) return;
    const line = this.#unfinished.take();
    this.#onLine(line, 0, line.length, isUtf8(line));
  }

  #finishLine(chunk: Buffer, end: number): number {
    this.#keep(chunk, 0, end);
    const line = this.#unfinished.take();
    this.#emit(line, 0, line.length, isUtf8(line));
    return end + 1;
  }

  /** Emits all whole lines from `start` and returns the offset behind them. */
  #emitLines(chunk: Buffer, start: number): number {
    const last = chunk.lastIndexOf(newline);
    if (last < start) return start;
    // A newline is never part of a longer character: lines are UTF-8 if all of them together are.
    const allText = isUtf8(chunk.subarray(start, last));
    let from = start;
    while (from <= last) {
      const to = chunk.indexOf(newline, from);
      this.#emit(chunk, from, to, allText || isUtf8(chunk.subarray(from, to)));
      from = to + 1;
    }
    return from;
  }

  #emit(bytes: Buffer, start: number, end: number, isText: boolean): void {
    const hasCarriageReturn = end > start && bytes[end - 1] === carriageReturn;
    this.#checkLength(end - start);
    this.#onLine(bytes, start, hasCarriageReturn ? end - 1 : end, isText);
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
