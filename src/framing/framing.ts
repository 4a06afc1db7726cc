import type { DropReason } from "../drop-reasons.ts";
import type { ByteWriter } from "./byte-writer.ts";

/** The recipient that stands for every client of the room; ids of clients start at 1. */
export const everyone = 0;

/** Some clients by their ids: these, or all of the room but these. */
export interface Recipients {
  readonly ids: ReadonlySet<number>;
  readonly areExcluded: boolean;
}

/** Where a decoder puts what it finds. Parts of `bytes`, and recipients, are only good during the call. */
export interface MessageSink {
  /** One message for the client `to`, or for {@link everyone}: `bytes` from `start` up to `end`. */
  onMessage(to: number, bytes: Buffer, start: number, end: number, isBinary: boolean): void;

  /** One message for everyone that the process wants to be kept for who comes later. */
  onTaggedMessage(bytes: Buffer, start: number, end: number, isBinary: boolean): void;

  onMessageTo(recipients: Recipients, bytes: Buffer, start: number, end: number, isBinary: boolean): void;

  /** These clients are to be closed, behind what has come for them so far. The code is one that the process may use. */
  onClose(recipients: Recipients, code: number, reason: string): void;

  /** What the process says of the room, as the text of a JSON object. */
  onMetadata(text: string): void;

  onDrop(reason: DropReason): void;
}

/** Turns the output of one process into messages, however the output is cut. */
export interface Decoder {
  /** Whether a line has come to its end so far; undefined where messages are no lines. */
  readonly hasLine?: boolean;

  /** @throws ServerError ERR_OUTPUT where the stream cannot be read on from. */
  push(chunk: Buffer): void;

  /** The output is over: what has come of a last message counts where the framing allows it. */
  end(): void;
}

/** Makes what a process reads. */
export interface Encoder {
  /** Appends a client's message as the process is to read it; a reason says that it was dropped instead. */
  encode(connectionId: number, payload: Buffer, isBinary: boolean, out: ByteWriter): DropReason | undefined;

  /** Appends a join or leave message, which the server's owner has written and which is taken as it is. */
  encodeNotice(connectionId: number, text: Buffer, out: ByteWriter): void;
}

/** How messages stand on the pipes of a process. Pure: no I/O, no timers, no state but a decoder's. */
export interface Framing {
  readonly encoder: Encoder;
  createDecoder(sink: MessageSink): Decoder;

  /** For what the process writes to stderr, where clients are to have that, too. */
  createErrorDecoder?(sink: MessageSink): Decoder;
}

/** What framings can be told. */
export interface FramingOptions {
  /** Bounds in bytes on what a process may write. */
  readonly maxMessageBytes: number;
  readonly maxLineBytes: number;
  /** What ends a line, for framings made of lines; undefined for `\n` with or without `\r`. */
  readonly delimiters: string | undefined;
  readonly nullDelimited: boolean;
  /** The field in which the process reads who sent a message, and the one by which it says who gets one. */
  readonly fromField: string;
  readonly toField: string;
  /** Where messages are kept for who comes later, whether the process says which. */
  readonly cache: { readonly kept: "all" | "tagged" } | undefined;
}
