import { isUtf8 } from "node:buffer";
import { closeReason, isCodeForProcess } from "../close-codes.ts";
import { ServerError } from "../errors.ts";
import { ByteWriter } from "./byte-writer.ts";
import { type Decoder, everyone, type Framing, type FramingOptions, type MessageSink } from "./framing.ts";
import { giveBackBuffer } from "./spare-buffers.ts";

/** Three unsigned 32-bit integers in network byte order: client id, type, payload length. */
const headerBytes = 12;
const textType = 1;
const binaryType = 2;
/** Our own: closes clients. The payload is a code of two bytes in network byte order, then the reason. */
const closeType = 8;
const codeBytes = 2;

/** The strict mode of gwsocket: a header before each message, so that a payload may hold any byte (spec section 6). */
export function createGwsocketFraming(options: FramingOptions): Framing {
  return {
    encoder: {
      encode(connectionId, payload, isBinary, out) {
        encodeMessage(connectionId, isBinary ? binaryType : textType, payload, out);
        return undefined;
      },

      encodeNotice(connectionId, text, out) {
        encodeMessage(connectionId, textType, text, out);
      },
    },

    createDecoder: (sink) => new GwsocketDecoder(options.maxMessageBytes, sink),
  };
}

function encodeMessage(connectionId: number, type: number, payload: Buffer, out: ByteWriter): void {
  out.reserve(headerBytes + payload.length);
  out.bytes.writeUInt32BE(connectionId, out.length);
  out.bytes.writeUInt32BE(type, out.length + 4);
  out.bytes.writeUInt32BE(payload.length, out.length + 8);
  out.length += headerBytes;
  out.append(payload);
}

class GwsocketDecoder implements Decoder {
  readonly #maxMessageBytes: number;
  readonly #sink: MessageSink;
  /** A message, or only its header, whose end has not come yet. */
  readonly #unfinished = new ByteWriter();

  constructor(maxMessageBytes: number, sink: MessageSink) {
    this.#maxMessageBytes = maxMessageBytes;
    this.#sink = sink;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#unfinished.length > 0) at = this.#continueMessage(chunk, at);
      else if (chunk.length - at < headerBytes) at = this.#keep(chunk, at, chunk.length);
      else at = this.#startMessage(chunk, at);
    }
  }

  end(): void {
    if (this.#unfinished.length === 0) return;
    giveBackBuffer(this.#unfinished.take());
    this.#sink.onDrop("incomplete");
  }

  #startMessage(chunk: Buffer, at: number): number {
    const end = at + headerBytes + this.#payloadLength(chunk, at);
    if (end > chunk.length) {
      this.#unfinished.reserve(end - at);
      return this.#keep(chunk, at, chunk.length);
    }
    this.#emit(chunk, at, end);
    return end;
  }

  #continueMessage(chunk: Buffer, at: number): number {
    const unfinished = this.#unfinished;
    if (unfinished.length < headerBytes) {
      const next = this.#keep(chunk, at, at + headerBytes - unfinished.length);
      if (unfinished.length < headerBytes) return next;
      unfinished.reserve(this.#payloadLength(unfinished.bytes, 0));
      return this.#finishIfWhole(next);
    }
    const missing = headerBytes + this.#payloadLength(unfinished.bytes, 0) - unfinished.length;
    return this.#finishIfWhole(this.#keep(chunk, at, at + missing));
  }

  #finishIfWhole(next: number): number {
    const { bytes, length } = this.#unfinished;
    if (length === headerBytes + this.#payloadLength(bytes, 0)) {
      const message = this.#unfinished.take();
      this.#emit(message, 0, message.length);
      giveBackBuffer(message);
    }
    return next;
  }

  /** Keeps what the chunk holds of `start` to `end` and returns the offset behind it. */
  #keep(chunk: Buffer, start: number, end: number): number {
    const available = Math.min(end, chunk.length);
    this.#unfinished.append(chunk, start, available);
    return available;
  }

  #payloadLength(bytes: Buffer, at: number): number {
    const length = bytes.readUInt32BE(at + 8);
    if (length <= this.#maxMessageBytes) return length;
    throw new ServerError(
      "ERR_OUTPUT",
      `process announced a message of ${length} bytes, more than ${this.#maxMessageBytes}`,
    );
  }

  #emit(bytes: Buffer, at: number, end: number): void {
    const id = bytes.readUInt32BE(at);
    const type = bytes.readUInt32BE(at + 4);
    const start = at + headerBytes;
    if (type === closeType) this.#close(id, bytes.subarray(start, end));
    else if (type !== textType && type !== binaryType) this.#sink.onDrop("unknown_type");
    else if (type === textType && !isUtf8(bytes.subarray(start, end))) this.#sink.onDrop("invalid_utf8");
    else this.#sink.onMessage(id, bytes, start, end, type === binaryType);
  }

  #close(id: number, payload: Buffer): void {
    const code = payload.length < codeBytes ? 0 : payload.readUInt16BE(0);
    const reason = payload.subarray(codeBytes);
    const recipients = { ids: new Set(id === everyone ? [] : [id]), areExcluded: id === everyone };
    if (!isCodeForProcess(code)) this.#sink.onDrop("invalid_close");
    else if (!isUtf8(reason)) this.#sink.onDrop("invalid_utf8");
    else this.#sink.onClose(recipients, code, closeReason(reason.toString()));
  }
}
