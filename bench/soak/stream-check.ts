import { NumberReader } from "../client/number-reader.ts";

const space = 0x20;
const endMark = Buffer.from(" END");

/** Checks that what one client gets has no gap: each source numbers its lines, which read `<source> <number> ...`. */
export class StreamCheck {
  readonly #numbers = new NumberReader();
  /** The number of the last line of each source. */
  readonly #last = new Map<string, number>();
  lines = 0;
  /** The first thing that was wrong, in words. */
  problem: string | undefined;
  /** Whether the last line said that its source has ended. */
  isEnded = false;

  take(bytes: Buffer, start: number, end: number): void {
    const afterSource = bytes.indexOf(space, start);
    const source = bytes.toString("latin1", start, afterSource);
    this.#numbers.read(bytes, afterSource, end);
    const number = this.#numbers.next();
    const last = this.#last.get(source);
    if (last !== undefined && number !== last + 1)
      this.problem ??= `line ${number} of ${source} came behind line ${last}`;
    if (!(number > 0) || afterSource >= end)
      this.problem ??= `a line reads ${bytes.toString("latin1", start, Math.min(start + 40, end))}`;
    this.#last.set(source, number);
    this.lines += 1;
    this.isEnded = end - start < 40 && bytes.subarray(end - endMark.length, end).equals(endMark);
  }

  /** The number of the last line of a source; 0 before its first. */
  lastOf(source: string): number {
    return this.#last.get(source) ?? 0;
  }
}
