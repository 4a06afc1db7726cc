import type { DropReason } from "../drop-reasons.ts";
import { ByteWriter } from "../framing/byte-writer.ts";
import { everyone, type MessageSink } from "../framing/framing.ts";
import type { WireFormat } from "../links.ts";
import type { Connection } from "./connection.ts";
import type { Counters } from "./counters.ts";

/** A private message is remembered as three numbers: bytes for everyone before it, its start and its end. */
const numbersPerMessage = 3;

/**
 * Sends what one chunk of output holds. Messages for everyone are encoded once into one buffer, which each client gets
 * in one write. Messages for one client stand between slices of that buffer, so that each client sees them in order.
 */
export class FanOut implements MessageSink {
  readonly #connections: ReadonlyMap<number, Connection>;
  readonly #wire: WireFormat;
  readonly #counters: Counters;
  readonly #onDropped: (reason: DropReason) => void;
  #expectedBytes = 0;
  readonly #common = new ByteWriter();
  #commonMessages = 0;
  readonly #private = new ByteWriter();
  readonly #privateMessages = new Map<number, number[]>();

  constructor(
    connections: ReadonlyMap<number, Connection>,
    wire: WireFormat,
    counters: Counters,
    onDropped: (reason: DropReason) => void,
  ) {
    this.#connections = connections;
    this.#wire = wire;
    this.#counters = counters;
    this.#onDropped = onDropped;
  }

  /** Says how large the next chunk is, so that buffers need not grow step by step. */
  expect(chunkBytes: number): void {
    this.#expectedBytes = chunkBytes + (chunkBytes >> 4);
  }

  onMessage(to: number, bytes: Buffer, start: number, end: number, isBinary: boolean): void {
    if (to === everyone) {
      if (this.#connections.size === 0) return;
      this.#commonMessages += 1;
      this.#encode(this.#common, bytes, start, end, isBinary);
    } else if (this.#connections.has(to)) {
      this.#addPrivate(to, bytes, start, end, isBinary);
    } else {
      this.#counters.drop("recipient_gone");
    }
  }

  onDrop(reason: DropReason): void {
    this.#onDropped(reason);
  }

  /** Hands everything gathered to the clients. */
  flush(): void {
    if (this.#privateMessages.size === 0) this.#flushCommon();
    else if (this.#commonMessages === 0) this.#flushPrivate();
    else this.#flushMixed();
  }

  #encode(out: ByteWriter, bytes: Buffer, start: number, end: number, isBinary: boolean): void {
    const length = end - start;
    if (out.length === 0) out.reserve(this.#expectedBytes);
    out.reserve(this.#wire.maxHeaderBytes + length);
    out.length = this.#wire.writeHeader(out.bytes, out.length, isBinary, length);
    out.append(bytes, start, end);
  }

  #addPrivate(to: number, bytes: Buffer, start: number, end: number, isBinary: boolean): void {
    const from = this.#private.length;
    this.#encode(this.#private, bytes, start, end, isBinary);
    const messages = this.#privateMessages.get(to);
    if (messages === undefined) this.#privateMessages.set(to, [this.#common.length, from, this.#private.length]);
    else messages.push(this.#common.length, from, this.#private.length);
  }

  #flushCommon(): void {
    if (this.#commonMessages === 0) return;
    const messages = this.#takeCommonCount();
    const bytes = this.#common.take();
    for (const connection of this.#connections.values()) connection.deliver(bytes, messages);
  }

  #flushPrivate(): void {
    const source = this.#private.take();
    for (const [to, messages] of this.#privateMessages) {
      const isOnlyOne = messages.length === numbersPerMessage;
      const bytes = isOnlyOne ? source.subarray(messages[1], messages[2]) : gather(source, messages);
      this.#connections.get(to)?.deliver(bytes, messages.length / numbersPerMessage);
    }
    this.#privateMessages.clear();
  }

  #flushMixed(): void {
    const commonMessages = this.#takeCommonCount();
    const common = this.#common.take();
    const source = this.#private.take();
    for (const connection of this.#connections.values()) {
      const messages = this.#privateMessages.get(connection.id);
      if (messages === undefined) connection.deliver(common, commonMessages);
      else {
        const count = commonMessages + messages.length / numbersPerMessage;
        connection.deliverAll(interleave(common, source, messages), count);
      }
    }
    this.#privateMessages.clear();
  }

  #takeCommonCount(): number {
    const count = this.#commonMessages;
    this.#commonMessages = 0;
    return count;
  }
}

/** Copies one client's messages behind each other: cheaper than a list of many short pieces. */
function gather(source: Buffer, messages: readonly number[]): Buffer {
  const out = new ByteWriter();
  for (let at = 0; at < messages.length; at += numbersPerMessage) {
    out.append(source, messages[at + 1], messages[at + 2]);
  }
  return out.take();
}

/** One client's messages between slices of what everyone gets. */
function interleave(common: Buffer, source: Buffer, messages: readonly number[]): Buffer[] {
  const pieces: Buffer[] = [];
  let from = 0;
  for (let at = 0; at < messages.length; at += numbersPerMessage) {
    const before = messages[at] as number;
    if (before > from) pieces.push(common.subarray(from, before));
    pieces.push(source.subarray(messages[at + 1], messages[at + 2]));
    from = before;
  }
  if (from < common.length) pieces.push(common.subarray(from));
  return pieces;
}
