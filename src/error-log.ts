import { StringDecoder } from "node:string_decoder";
import { LineBudget } from "./line-budget.ts";
import type { LogFields, Logger } from "./logger.ts";

const nothing = Buffer.alloc(0);
const newline = 0x0a;
const carriageReturn = 0x0d;
/** More of a line than this is not logged. */
const maxLineBytes = 8 * 1024;
const maxLinesPerSecond = 200;

/** Writes what a process says on stderr into the log, line by line, and no more of it than a log should take. */
export class ErrorLog {
  readonly #logger: Logger;
  readonly #fieldsOf: () => LogFields;
  /** What is kept of the line whose end has not come yet. */
  #unfinished = nothing;
  /** How long that line is so far. */
  #lineBytes = 0;
  readonly #budget: LineBudget;

  constructor(logger: Logger, fieldsOf: () => LogFields) {
    this.#logger = logger;
    this.#fieldsOf = fieldsOf;
    this.#budget = new LineBudget(maxLinesPerSecond, (lines) =>
      logger.warn(`${lines} more lines of stderr were left out`, fieldsOf()),
    );
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let to = chunk.indexOf(newline); to !== -1; to = chunk.indexOf(newline, from)) {
      this.#keep(chunk, from, to);
      this.#finishLine();
      from = to + 1;
    }
    this.#keep(chunk, from, chunk.length);
  }

  /** Nothing more comes: a last line without its end counts. */
  end(): void {
    if (this.#lineBytes > 0) this.#finishLine();
    this.#budget.end();
  }

  #keep(chunk: Buffer, start: number, end: number): void {
    const kept = Math.min(end, start + maxLineBytes - this.#unfinished.length);
    if (kept > start) this.#unfinished = Buffer.concat([this.#unfinished, chunk.subarray(start, kept)]);
    this.#lineBytes += end - start;
  }

  #finishLine(): void {
    const line = this.#unfinished;
    const bytesLeftOut = this.#lineBytes - line.length;
    this.#unfinished = nothing;
    this.#lineBytes = 0;
    if (this.#budget.take()) this.#logger.info(`stderr: ${textOf(line, bytesLeftOut)}`, this.#fieldsOf());
  }
}

function textOf(line: Buffer, bytesLeftOut: number): string {
  // A character that was cut through is left out as a whole.
  if (bytesLeftOut > 0) return `${new StringDecoder("utf8").write(line)} (and ${bytesLeftOut} bytes more)`;
  const end = line.at(-1) === carriageReturn ? line.length - 1 : line.length;
  return line.toString("utf8", 0, end);
}
