const digitZero = 0x30;
const digitNine = 0x39;

/** Reads the whole numbers in a text one after the other, whatever stands between them, without making strings. */
export class NumberReader {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;

  /** Starts over with another text. */
  read(bytes: Buffer, start: number, end: number): void {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** The next number; -1 where there is none left. */
  next(): number {
    const bytes = this.#bytes;
    const end = this.#end;
    let at = this.#at;
    while (at < end && !isDigit(bytes[at] as number)) at += 1;
    let value = at < end ? 0 : -1;
    while (at < end && isDigit(bytes[at] as number)) {
      value = value * 10 + (bytes[at] as number) - digitZero;
      at += 1;
    }
    this.#at = at;
    return value;
  }
}

function isDigit(byte: number): boolean {
  return byte >= digitZero && byte <= digitNine;
}
