import { isUtf8 } from "node:buffer";
import { ByteWriter } from "../framing/byte-writer.ts";
import { giveBackBuffer } from "../framing/spare-buffers.ts";
import { compressedBit } from "./compression.ts";
import { finalBinary, finalText, longLength, longMark, mediumMark, unmask } from "./frame-bytes.ts";
import { readingCosts, shareOfTurn } from "./turns.ts";

const finalBit = 0x80;
const maskBit = 0x80;
const opcodeBits = 0x0f;
const lastDataOpcode = 2;
const lengthBits = 0x7f;
const maskBytes = 4;

/** Up to this length a frame is waited for here; the rest of a longer one is better kept by who reads it. */
const maxHeldBytes = 64 * 1024;

const kibibyte = 1024;

/** What comes of a longer one is passed on in pieces of at least this: each costs memory, however small it is. */
const minPieceBytes = 16 * 1024;

/** Whom a {@link FrameReader} reads for. */
export interface FrameHandler {
  /** Whether messages are still wanted. */
  readonly isReading: boolean;
  onMessage(payload: Buffer, isBinary: boolean): void;

  /** Bytes of frames that are not read here, in order with the messages. They are lent. */
  onOther(bytes: Buffer): void;

  /** All that went to `onOther` so far was whole: what comes next does not depend on it. */
  onOtherDone(): void;

  /** Whether nothing more should be read for now. */
  readonly isPaused: boolean;

  /** What the client has compressed. @throws where it cannot be decompressed, or to too much. */
  inflate(payload: Buffer): Buffer;

  /** Whether what takes long to read should wait, because clients have taken enough of this turn of the event loop. */
  isTurnSpent(): boolean;

  /** What comes next is kept until `proceed`. */
  onParked(): void;
}

/**
 * Reads the frames that nearly all messages come in: a whole message in one frame, masked, not long, with nothing special
 * (RFC 6455 section 5.2). Every other frame is passed on untouched to who knows the whole protocol, and so is every frame
 * with a fault, and what comes right behind it: only who reads it finds out whether the connection lives on.
 */
export class FrameReader {
  readonly #handler: FrameHandler;
  readonly #maxMessageBytes: number;
  readonly #isCompressing: boolean;
  /** The beginning of a frame whose end has not come yet. */
  #held: ByteWriter | undefined;
  /** So many bytes of that frame tell more than those that are held. */
  #neededBytes = 0;
  /** Bytes still to come of a frame that is passed on. */
  #passing = 0;
  /** What came of it and is too little to be passed on. */
  #piece: ByteWriter | undefined;
  /** Whether the fragments of a message are on their way. */
  #isFragmented = false;
  /** Whether the last message that was passed on, or whose fragments are, is compressed. */
  #isCompressed = false;
  /** What it has cost to read since the last break. */
  #cost = 0;
  /** Bytes that are read on only after `proceed`, and those that are read since then: they are our own, where others are lent. */
  #parked: Buffer | undefined;
  #own: Buffer | undefined;
  /** Whether something was passed on just now, so that it is not known yet what came of it. */
  #isInDoubt = false;
  /** How many messages and frames did not come in one go. */
  #beginnings = 0;

  constructor(maxMessageBytes: number, handler: FrameHandler, isCompressing: boolean) {
    this.#maxMessageBytes = maxMessageBytes;
    this.#handler = handler;
    this.#isCompressing = isCompressing;
  }

  get isParked(): boolean {
    return this.#parked !== undefined;
  }

  /** Which message or frame is on its way, as a number that only it has; 0 where there is none. */
  get unfinished(): number {
    return this.#held !== undefined || this.#passing > 0 || this.#isFragmented ? this.#beginnings : 0;
  }

  push(chunk: Buffer): void {
    if (this.#parked !== undefined) {
      this.#parked = Buffer.concat([this.#parked, chunk]);
      return;
    }
    if (this.#held === undefined) {
      this.#readAll(chunk, true);
      return;
    }
    this.#held.append(chunk);
    if (this.#held.length < this.#neededBytes) return;
    const bytes = this.#held.take();
    this.#held = undefined;
    this.#readAll(bytes, false);
    giveBackBuffer(bytes);
  }

  /** Reads on behind what was read last. */
  proceed(): void {
    const bytes = this.#parked;
    if (bytes === undefined) return;
    this.#parked = undefined;
    this.#own = bytes;
    this.#readAll(bytes, true);
    this.#own = undefined;
  }

  #readAll(bytes: Buffer, isNew: boolean): void {
    let at = 0;
    while (at < bytes.length) {
      const next = this.#passing > 0 ? this.#pass(bytes, at, false) : this.#read(bytes, at);
      if (next === at) {
        if (!this.#isFragmented && (isNew || at > 0)) this.#beginnings += 1;
        this.#held = new ByteWriter();
        this.#held.append(bytes, at);
        return;
      }
      this.#cost += this.#isInDoubt ? readingCosts.passedFrame : readingCosts.plainMessage;
      at = this.#cost < shareOfTurn ? next : this.#park(bytes, next);
    }
  }

  /** Reads or passes on the frame at an offset and returns the one behind; the same where more has to come first. */
  #read(bytes: Buffer, at: number): number {
    if (bytes.length - at < 2) return this.#await(2, at);
    const first = bytes[at] as number;
    const second = bytes[at + 1] as number;
    const isMasked = (second & maskBit) !== 0;
    const short = second & lengthBits;
    const extraBytes = short === mediumMark ? 2 : short === longMark ? 8 : 0;
    const start = at + 2 + extraBytes + (isMasked ? maskBytes : 0);
    if (start > bytes.length) return this.#await(start - at, at);
    const length = extraBytes === 0 ? short : longLength(bytes, at + 2, extraBytes);
    const end = start + length;

    if (isMasked && this.#canRead(first, length)) {
      if (end > bytes.length) return this.#await(end - at, at);
      if ((first & compressedBit) !== 0) {
        if (this.#handler.isTurnSpent()) return this.#park(bytes, at);
        const next = this.#deliverCompressed(bytes, start, end, (first & opcodeBits) === lastDataOpcode);
        if (next !== undefined) return next;
      } else if (this.#deliver(bytes, start, end, first === finalBinary)) {
        return end;
      }
    }
    return this.#passBeginning(bytes, at, end, first);
  }

  #passBeginning(bytes: Buffer, at: number, end: number, first: number): number {
    this.#passing = end - at;
    if (!this.#isFragmented) this.#beginnings += 1;
    const opcode = first & opcodeBits;
    if (opcode <= lastDataOpcode) {
      this.#isFragmented = (first & finalBit) === 0;
      if (opcode !== 0) this.#isCompressed = this.#isCompressing && (first & compressedBit) !== 0;
    }
    return this.#pass(bytes, at, true);
  }

  /** So many bytes of the frame at an offset have to be there before it makes sense to look at it again. */
  #await(bytes: number, at: number): number {
    this.#neededBytes = bytes;
    return at;
  }

  #canRead(first: number, length: number): boolean {
    if (first !== finalText && first !== finalBinary) {
      const plain = first & ~compressedBit;
      if (!this.#isCompressing || (plain !== finalText && plain !== finalBinary)) return false;
    }
    if (this.#isFragmented || this.#isInDoubt || length > this.#maxMessageBytes || length > maxHeldBytes) return false;
    return this.#handler.isReading;
  }

  #deliver(bytes: Buffer, start: number, end: number, isBinary: boolean): boolean {
    unmask(bytes, start, end);
    const payload = bytes.subarray(start, end);
    if (!isBinary && !isUtf8(payload)) {
      // Masking again brings back what came.
      unmask(bytes, start, end);
      return false;
    }
    this.#handler.onMessage(payload, isBinary);
    return true;
  }

  /** Returns where to read on, or undefined where this is left to who knows the whole protocol. */
  #deliverCompressed(bytes: Buffer, start: number, end: number, isBinary: boolean): number | undefined {
    unmask(bytes, start, end);
    const message = this.#inflate(bytes.subarray(start, end));
    if (message === undefined || (!isBinary && !isUtf8(message))) {
      unmask(bytes, start, end);
      return undefined;
    }
    this.#handler.onMessage(message, isBinary);
    this.#cost += Math.ceil(message.length / kibibyte) * readingCosts.inflatedKibibyte;
    return this.#handler.isPaused ? this.#park(bytes, end) : end;
  }

  /** Undefined where that fails, so that it fails once more where it is said how. */
  #inflate(payload: Buffer): Buffer | undefined {
    try {
      return this.#handler.inflate(payload);
    } catch {
      return undefined;
    }
  }

  /** Keeps what comes behind an offset. */
  #park(bytes: Buffer, at: number): number {
    this.#cost = 0;
    if (at === bytes.length) return at;
    const rest = bytes.subarray(at);
    this.#parked = bytes === this.#own ? rest : Buffer.from(rest);
    this.#handler.onParked();
    return bytes.length;
  }

  /** Passes on what there is of a frame, or gathers it where it comes in many small pieces. */
  #pass(bytes: Buffer, at: number, isBeginning: boolean): number {
    const end = Math.min(at + this.#passing, bytes.length);
    this.#passing -= end - at;
    // The header may be at fault, and the end is waited for.
    const isUrgent = isBeginning || this.#passing === 0;
    if (this.#piece === undefined && (isUrgent || end - at >= minPieceBytes)) {
      this.#handOn(bytes.subarray(at, end));
      return this.#behindPassed(bytes, end);
    }
    this.#piece ??= new ByteWriter();
    this.#piece.append(bytes, at, end);
    if (isUrgent || this.#piece.length >= minPieceBytes) {
      const piece = this.#piece.take();
      this.#piece = undefined;
      this.#handOn(piece);
      giveBackBuffer(piece);
    }
    return this.#behindPassed(bytes, end);
  }

  /** Of compressed messages one is decompressed at a time, since each may be large, and who is paused gets no more. */
  #behindPassed(bytes: Buffer, end: number): number {
    if (!this.#isCompressed || this.#isFragmented || this.#passing > 0) return end;
    this.#isCompressed = false;
    return this.#park(bytes, end);
  }

  #handOn(bytes: Buffer): void {
    this.#handler.onOther(bytes);
    this.#doubt();
  }

  /** Streams tell of a fault some ticks later; microtasks come after all of them. */
  #doubt(): void {
    if (this.#isInDoubt) return;
    this.#isInDoubt = true;
    queueMicrotask(() => {
      this.#isInDoubt = false;
      if (this.#passing === 0 && !this.#isFragmented) this.#handler.onOtherDone();
    });
  }
}
