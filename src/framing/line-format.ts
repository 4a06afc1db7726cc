import type { FramingOptions } from "./framing.ts";

const carriageReturn = 0x0d;

/** Where lines end, both ways. */
export interface LineFormat {
  /** Ends what the process reads, and what it writes. */
  readonly delimiter: number;
  /** These end what it writes as well. */
  readonly otherDelimiters: readonly number[];
  /** A byte that is no part of the line when it stands before the delimiter; -1 for none. */
  readonly trimmed: number;
}

/** Lines that end in `\n` or `\r\n`. */
export const newlineFormat: LineFormat = { delimiter: 0x0a, otherDelimiters: [], trimmed: carriageReturn };

export function lineFormat({ delimiters, nullDelimited }: FramingOptions): LineFormat {
  const [delimiter, ...otherDelimiters] = new Set(Buffer.from(nullDelimited ? "\0" : (delimiters ?? "")));
  return delimiter === undefined ? newlineFormat : { delimiter, otherDelimiters, trimmed: -1 };
}
