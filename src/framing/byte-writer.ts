import { giveBackBuffer, takeBuffer } from "./spare-buffers.ts";

/** Below this many bytes a loop copies faster than a call into the runtime. */
const shortCopyBytes = 16;

const digitZero = 0x30;
const smallestCapacity = 256;

/**
 * Bytes that grow at their end and are then taken away as one buffer. `bytes` and `length` are open so that
 * encoders write in place: `reserve` first, write at `length`, then move `length`.
 */
export class ByteWriter {
  bytes: Buffer = Buffer.alloc(0);
  length = 0;

  /** Makes sure that `count` more bytes fit. */
  reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    const wanted = Math.max(needed, this.length * 2, smallestCapacity);
    const grown = takeBuffer(wanted, Math.max(wanted, needed * 2));
    this.bytes.copy(grown, 0, 0, this.length);
    giveBackBuffer(this.bytes);
    this.bytes = grown;
  }

  push(byte: number): void {
    this.reserve(1);
    this.bytes[this.length] = byte;
    this.length += 1;
  }

  append(source: Buffer, start = 0, end = source.length): void {
    const count = end - start;
    this.reserve(count);
    if (count > shortCopyBytes) source.copy(this.bytes, this.length, start, end);
    else copyShort(source, start, end, this.bytes, this.length);
    this.length += count;
  }

  /** Appends a whole number as text, without making a string of it. */
  appendDecimal(value: number): void {
    let digits = 1;
    for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits += 1;
    this.reserve(digits);
    let rest = value;
    for (let at = this.length + digits - 1; at >= this.length; at -= 1) {
      this.bytes[at] = digitZero + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    this.length += digits;
  }

  /** The bytes so far, handed over: the writer starts anew and never touches them again. */
  take(): Buffer {
    const taken = this.bytes.subarray(0, this.length);
    this.bytes = Buffer.alloc(0);
    this.length = 0;
    return taken;
  }
}

function copyShort(source: Buffer, start: number, end: number, target: Buffer, at: number): void {
  for (let from = start, to = at; from < end; from += 1, to += 1) target[to] = source[from] as number;
}
