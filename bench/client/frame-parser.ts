const shortMark = 126;
const longMark = 127;
const wordSize = 2 ** 32;

/** Takes one frame: its first byte (RFC 6455 section 5.2), and where its payload stands until the call is over. */
export type FrameHandler = (firstByte: number, bytes: Buffer, start: number, end: number) => void;

/** Finds the frames of a server in what is read, cut anywhere, and copies only those that are cut. */
export class FrameParser {
  readonly #onFrame: FrameHandler;
  /** The beginning of a frame whose end has not come yet. */
  #rest: Buffer = Buffer.allocUnsafe(1024);
  #restBytes = 0;

  constructor(onFrame: FrameHandler) {
    this.#onFrame = onFrame;
  }

  /** Parses the bytes from `start` to `end`; the buffer may be used again afterwards. */
  push(bytes: Buffer, start: number, end: number): void {
    let at = this.#restBytes > 0 ? this.#finishFrame(bytes, start, end) : start;
    while (at < end) {
      const length = bytesNeeded(bytes, at, end - at);
      if (length > end - at) break;
      this.#onFrame(bytes[at] as number, bytes, at + headerBytes(bytes[at + 1] as number), at + length);
      at += length;
    }
    if (at < end) this.#keep(bytes, at, end);
  }

  /** Takes what is missing of the frame that was cut, and returns the offset behind it. */
  #finishFrame(bytes: Buffer, start: number, end: number): number {
    let at = start;
    for (;;) {
      const length = bytesNeeded(this.#rest, 0, this.#restBytes);
      if (length <= this.#restBytes) break;
      const next = Math.min(at + length - this.#restBytes, end);
      this.#keep(bytes, at, next);
      at = next;
      if (this.#restBytes < length) return end;
    }
    const length = this.#restBytes;
    this.#restBytes = 0;
    this.#onFrame(this.#rest[0] as number, this.#rest, headerBytes(this.#rest[1] as number), length);
    return at;
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    const length = this.#restBytes + end - start;
    if (length > this.#rest.length) {
      const grown = Buffer.allocUnsafe(length * 2);
      this.#rest.copy(grown, 0, 0, this.#restBytes);
      this.#rest = grown;
    }
    bytes.copy(this.#rest, this.#restBytes, start, end);
    this.#restBytes = length;
  }
}

/** How many bytes the frame has in all, or at least as many as it takes to tell. */
function bytesNeeded(bytes: Buffer, at: number, available: number): number {
  if (available < 2) return 2;
  const mark = bytes[at + 1] as number;
  if (mark < shortMark) return 2 + mark;
  const header = headerBytes(mark);
  if (available < header) return header;
  if (mark === shortMark) return header + bytes.readUInt16BE(at + 2);
  return header + bytes.readUInt32BE(at + 2) * wordSize + bytes.readUInt32BE(at + 6);
}

function headerBytes(mark: number): number {
  if (mark < shortMark) return 2;
  if (mark === shortMark) return 4;
  if (mark === longMark) return 10;
  throw new Error("a server must not mask its frames");
}
