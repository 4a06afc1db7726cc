import { createRequire } from "node:module";
import type { Writable } from "node:stream";
import { closeCodes } from "../close-codes.ts";

const nothing = Buffer.alloc(0);

/** What a fragment costs in memory, however little it holds. */
const bytesPerFragment = 256;
const fewestFragments = 1024;
/** As many as `ws` allows where it is used as a server. */
const mostFragments = 16 * 1024;

/** What {@link ProtocolReceiver} tells. */
export interface ProtocolEvents {
  onMessage(payload: Buffer, isBinary: boolean): void;
  onPing(payload: Buffer): void;
  onPong(payload: Buffer): void;

  /** A close frame; 1005 is one without a code (RFC 6455 section 7.1.5). Nothing is read after it. */
  onConclude(code: number, reason: string): void;

  /** The client has broken the protocol; code and reason say how. Nothing is read after it. */
  onFault(code: number, reason: string): void;

  /** What the client has compressed. @throws an error of zlib. */
  inflate(payload: Buffer): Buffer;

  /** Bytes may come again after `write` has said to wait. */
  onDrain(): void;
}

/** The receiver of `ws`, which its types leave out. */
type Receiver = Writable;
type Write = (
  this: Receiver,
  chunk: Buffer,
  encoding: BufferEncoding,
  callback: (error?: Error | null) => void,
) => void;
type ReceiverClass = new (options: object) => Receiver;

/** Loads `ws` where it is not there yet: that takes as long as all the rest of the server together. */
export function loadReceiver(): ReceiverClass {
  const ws = createRequire(import.meta.url)("ws") as { Receiver: ReceiverClass };
  return ws.Receiver;
}

/** The close codes of the faults that `ws` and zlib find ("WS Error Codes" of its documentation); all others break the protocol. */
const faultCodes = new Map<string | undefined, number>([
  ["WS_ERR_INVALID_UTF8", closeCodes.invalidPayload.code],
  ["WS_ERR_TOO_MANY_BUFFERED_PARTS", closeCodes.policyViolation.code],
  ["WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH", closeCodes.messageTooBig.code],
  ["WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", closeCodes.messageTooBig.code],
  ["ERR_BUFFER_TOO_LARGE", closeCodes.messageTooBig.code],
  ["Z_DATA_ERROR", closeCodes.invalidPayload.code],
]);

/** What is wrong, in our own words where limits are ours and the text of zlib says little. */
function faultReason(code: number, error: NodeJS.ErrnoException, maxMessageBytes: number): string {
  if (code === closeCodes.messageTooBig.code) return `message is larger than ${maxMessageBytes} bytes`;
  if (code === closeCodes.policyViolation.code) return "too many fragments";
  return error.code?.startsWith("Z_") ? `cannot decompress the message: ${error.message}` : error.message;
}

/** In how many fragments a message may come: as many as take no more memory than the largest message. */
function maxFragments(maxMessageBytes: number): number {
  return Math.min(Math.max(Math.floor(maxMessageBytes / bytesPerFragment), fewestFragments), mostFragments);
}

/**
 * How long a message may be as it comes where it may be compressed, which makes some longer. The bound for one fragment is
 * `deflateBound` of zlib for its smallest windows, which take 9 bits for a byte and 10 for each block of 255; its stored
 * blocks take less. Each fragment may be flushed as well: two stored blocks of 5 bytes, an empty one and its own.
 */
function maxCompressedBytes(maxMessageBytes: number): number {
  return maxMessageBytes + (maxMessageBytes >> 3) + (maxMessageBytes >> 7) + 10 * maxFragments(maxMessageBytes);
}

/** Reads any frames of one client, in pieces of any size, as the protocol wants it (RFC 6455 section 5). */
export class ProtocolReceiver {
  readonly #receiver: Receiver;

  constructor(maxMessageBytes: number, events: ProtocolEvents, isCompressing: boolean) {
    const options = {
      isServer: true,
      maxPayload: isCompressing ? maxCompressedBytes(maxMessageBytes) : maxMessageBytes,
      maxFragments: maxFragments(maxMessageBytes),
      extensions: isCompressing ? { "permessage-deflate": new Inflater(events) } : {},
    };
    const Receiver = loadReceiver();
    const receiver = nothingBehindFault(new Receiver(options));
    this.#receiver = receiver
      .on("message", (payload: Buffer, isBinary: boolean) => {
        if (payload.length <= maxMessageBytes) events.onMessage(payload, isBinary);
        else receiver.destroy(Object.assign(new Error("too large"), { code: "ERR_BUFFER_TOO_LARGE" }));
      })
      .on("ping", (payload: Buffer) => events.onPing(payload))
      .on("pong", (payload: Buffer) => events.onPong(payload))
      .on("conclude", (code: number, reason: Buffer) => events.onConclude(code, reason.toString()))
      .on("error", (error: NodeJS.ErrnoException) => {
        const code = faultCodes.get(error.code) ?? closeCodes.protocolError.code;
        events.onFault(code, faultReason(code, error, maxMessageBytes));
      })
      .on("drain", () => events.onDrain());
  }

  /** Takes bytes; false says that `onDrain` should be waited for. */
  write(bytes: Buffer): boolean {
    return this.#receiver.write(bytes);
  }
}

/**
 * Where a write fails at once and others have waited behind it, a stream goes on with these before it tells of the fault. `ws`
 * does not count on that, and would throw.
 */
function nothingBehindFault(receiver: Receiver): Receiver {
  const { _write: write } = receiver as { readonly _write: Write };
  const writeUnlessFaulty: Write = (chunk, encoding, callback) => {
    if (receiver.errored === null) write.call(receiver, chunk, encoding, callback);
    else callback(receiver.errored);
  };
  return Object.assign(receiver, { _write: writeUnlessFaulty });
}

/**
 * In place of what `ws` decompresses with: that works beside the event loop, and keeps tens of kilobytes for each client.
 * Here a message is decompressed as a whole when its last fragment is there.
 */
class Inflater {
  readonly #events: ProtocolEvents;
  #fragments: Buffer[] = [];

  constructor(events: ProtocolEvents) {
    this.#events = events;
  }

  /** The receiver counts on an answer that does not come at once. */
  decompress(fragment: Buffer, isFinal: boolean, callback: (error: unknown, bytes?: Buffer) => void): void {
    this.#fragments.push(fragment);
    process.nextTick(() => {
      if (isFinal) this.#inflate(callback);
      else callback(null, nothing);
    });
  }

  #inflate(callback: (error: unknown, bytes?: Buffer) => void): void {
    const fragments = this.#fragments;
    this.#fragments = [];
    let message: Buffer;
    try {
      message = this.#events.inflate(Buffer.concat(fragments));
    } catch (error) {
      callback(error);
      return;
    }
    callback(null, message);
  }
}
