import type { DropReason } from "../drop-reasons.ts";
import type { ByteWriter } from "./byte-writer.ts";

/** The recipient that stands for every client of the room; ids of clients start at 1. */
export const everyone = 0;

/** Where a decoder puts what it finds. Parts of `bytes` are only good during the call. */
export interface MessageSink {
  /** One message for the client `to`, or for {@link everyone}: `bytes` from `start` up to `end`. */
  onMessage(to: number, bytes: Buffer, start: number, end: number, isBinary: boolean): void;
  onDrop(reason: DropReason): void;
}

/** Turns the output of one process into messages, however the output is cut. */
export interface Decoder {
  /** @throws ServerError ERR_OUTPUT where the stream cannot be read on from. */
  push(chunk: Buffer): void;

  /** The output is over: what has come of a last message counts where the framing allows it. */
  end(): void;
}

/** How messages stand on the pipes of a process. Pure: no I/O, no timers, no state but a decoder's. */
export interface Framing {
  createDecoder(sink: MessageSink): Decoder;

  /** For what the process writes to stderr, where clients are to have that, too. */
  createErrorDecoder?(sink: MessageSink): Decoder;

  /** Appends a client's message as the process is to read it; a reason says that it was dropped instead. */
  encode(connectionId: number, payload: Buffer, isBinary: boolean, out: ByteWriter): DropReason | undefined;

  /** Appends a join or leave message, which the server's owner has written and which is taken as it is. */
  encodeNotice(connectionId: number, text: Buffer, out: ByteWriter): void;
}

/** Bounds in bytes on what a process may write. */
export interface FramingLimits {
  readonly maxMessageBytes: number;
  readonly maxLineBytes: number;
}
