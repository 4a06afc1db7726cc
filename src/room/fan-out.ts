import type { DropReason } from "../drop-reasons.ts";
import { ByteWriter } from "../framing/byte-writer.ts";
import { giveBackBuffer } from "../framing/spare-buffers.ts";
import { everyone, type MessageSink, type Recipients } from "../framing/framing.ts";
import type { WireFormat } from "../links.ts";
import { deliverEdited, insertionsOf, leftOut, numbersPerEdit } from "./client-edits.ts";
import { Compressor } from "./compressor.ts";
import type { Connection } from "./connection.ts";
import type { Counters } from "./counters.ts";
import type { KeptMessages } from "./histories.ts";
import type { History } from "./history.ts";

/**
 * A write of so many bytes costs what copying them costs, so more is not waited for. More would also take more memory, fall
 * out of the processor's cache between two clients, and let clients fall behind further before that is noticed. It is for
 * everyone that these count: of what is for single clients, each gets little, and the more of it at once, the fewer writes.
 */
const enoughBytes = 256 * 1024;

/** What the process says besides messages. */
export interface FanOutEvents {
  onDrop(reason: DropReason): void;
  onMetadata(text: string): void;
}

/**
 * Sends what one chunk of output holds. Messages for everyone are encoded once into one buffer, which each client gets
 * in one write. Messages for some clients stand between slices of that buffer, so that each client sees them in order.
 */
export class FanOut implements MessageSink {
  readonly #connections: ReadonlyMap<number, Connection>;
  readonly #wire: WireFormat;
  readonly #counters: Counters;
  readonly #events: FanOutEvents;
  readonly #history: History | undefined;
  readonly #keepsAll: boolean;
  #expectedBytes = 0;
  readonly #common = new ByteWriter();
  #commonMessages = 0;
  /** Undefined where no client reads what is compressed. */
  readonly #compressor: Compressor | undefined;
  /** Where messages stand among the common bytes that go into the history: the start and the end of each. */
  #kept: number[] = [];
  readonly #private = new ByteWriter();
  /** By client, what it gets in another way than everyone. */
  readonly #edits = new Map<number, number[]>();

  constructor(
    connections: ReadonlyMap<number, Connection>,
    wire: WireFormat,
    counters: Counters,
    events: FanOutEvents,
    history?: History,
    kept: KeptMessages = "all",
  ) {
    this.#connections = connections;
    this.#wire = wire;
    this.#counters = counters;
    this.#events = events;
    this.#history = history;
    this.#keepsAll = history !== undefined && kept === "all";
    this.#compressor = Compressor.create(wire);
  }

  /** Says how large the next chunk is, so that buffers need not grow step by step, or what is gathered goes before it. */
  expect(chunkBytes: number): void {
    if (this.#common.length >= enoughBytes) this.flush();
    this.#expectedBytes = chunkBytes + (chunkBytes >> 4);
  }

  onMessage(to: number, bytes: Buffer, start: number, end: number, isBinary: boolean): void {
    if (to === everyone) {
      if (this.#keepsAll) this.#addKept(bytes, start, end, isBinary);
      else this.#addCommon(bytes, start, end, isBinary);
    } else if (this.#connections.has(to)) {
      const from = this.#private.length;
      this.#encode(this.#private, bytes, start, end, isBinary);
      this.#edit(to, this.#common.length, from, this.#private.length);
    } else {
      this.#counters.dropped.recipient_gone += 1;
    }
  }

  onTaggedMessage(bytes: Buffer, start: number, end: number, isBinary: boolean): void {
    if (this.#history === undefined) this.#addCommon(bytes, start, end, isBinary);
    else this.#addKept(bytes, start, end, isBinary);
  }

  onMessageTo({ ids, areExcluded }: Recipients, bytes: Buffer, start: number, end: number, isBinary: boolean): void {
    if (areExcluded) {
      const from = this.#common.length;
      this.#addCommon(bytes, start, end, isBinary);
      for (const id of ids) if (this.#connections.has(id)) this.#edit(id, from, leftOut, this.#common.length);
      return;
    }
    const present = this.#present(ids);
    if (present.length === 0) return;
    const from = this.#private.length;
    this.#encode(this.#private, bytes, start, end, isBinary);
    for (const { id } of present) this.#edit(id, this.#common.length, from, this.#private.length);
  }

  onClose({ ids, areExcluded }: Recipients, code: number, reason: string): void {
    // What was said before reaches them, and what follows is only for who is left.
    this.flush();
    const closed = areExcluded ? [...this.#connections.values()].filter(({ id }) => !ids.has(id)) : this.#present(ids);
    for (const connection of closed) connection.close(code, reason);
  }

  onMetadata(text: string): void {
    this.#events.onMetadata(text);
  }

  onDrop(reason: DropReason): void {
    this.#events.onDrop(reason);
  }

  /** Hands everything gathered to the clients. */
  flush(): void {
    if (this.#edits.size === 0) this.#flushCommon();
    else if (this.#commonMessages === 0) this.#flushPrivate();
    else this.#flushMixed();
  }

  #addCommon(bytes: Buffer, start: number, end: number, isBinary: boolean): void {
    if (this.#connections.size === 0) return;
    this.#encodeCommon(bytes, start, end, isBinary);
  }

  /** Who comes later may get it, so it counts also in an empty room. */
  #addKept(bytes: Buffer, start: number, end: number, isBinary: boolean): void {
    const from = this.#common.length;
    this.#encodeCommon(bytes, start, end, isBinary);
    this.#kept.push(from, this.#common.length);
  }

  #encodeCommon(bytes: Buffer, start: number, end: number, isBinary: boolean): void {
    const from = this.#common.length;
    if (from === 0) this.#common.reserve(this.#expectedBytes);
    this.#commonMessages += 1;
    this.#encode(this.#common, bytes, start, end, isBinary);
    const { length } = this.#common;
    this.#compressor?.add(from, length - (end - start), length, isBinary);
  }

  /** Those of the clients that are there; the others are counted. */
  #present(ids: ReadonlySet<number>): Connection[] {
    const present: Connection[] = [];
    for (const id of ids) {
      const connection = this.#connections.get(id);
      if (connection === undefined) this.#counters.dropped.recipient_gone += 1;
      else present.push(connection);
    }
    return present;
  }

  #encode(out: ByteWriter, bytes: Buffer, start: number, end: number, isBinary: boolean): void {
    const length = end - start;
    out.reserve(this.#wire.maxHeaderBytes + length);
    out.length = this.#wire.writeHeader(out.bytes, out.length, isBinary, length);
    out.append(bytes, start, end);
  }

  #edit(id: number, at: number, start: number, end: number): void {
    const edits = this.#edits.get(id);
    if (edits === undefined) this.#edits.set(id, [at, start, end]);
    else edits.push(at, start, end);
  }

  #flushCommon(): void {
    if (this.#commonMessages === 0) return;
    const messages = this.#commonMessages;
    const bytes = this.#takeCommon();
    const compressed = this.#compressor?.take(bytes, this.#connections.values())?.bytes;
    let isTaken = true;
    for (const connection of this.#connections.values()) {
      const its = compressed !== undefined && connection.isCompressing ? compressed : bytes;
      if (!connection.deliver(its, messages)) isTaken = false;
    }
    if (isTaken) giveBackBuffer(bytes);
  }

  #flushPrivate(): void {
    const source = this.#private.take();
    let isTaken = true;
    for (const [to, edits] of this.#edits) {
      const its = insertionsOf(edits, source);
      if (this.#connections.get(to)?.deliver(its, edits.length / numbersPerEdit) === false) isTaken = false;
    }
    if (isTaken) giveBackBuffer(source);
    this.#edits.clear();
  }

  #flushMixed(): void {
    const messages = this.#commonMessages;
    const common = this.#takeCommon();
    const compressed = this.#compressor?.take(common, this.#connections.values());
    const source = this.#private.take();
    let areTaken = true;
    for (const connection of this.#connections.values()) {
      const its = connection.isCompressing ? compressed : undefined;
      const bytes = its?.bytes ?? common;
      const edits = this.#edits.get(connection.id);
      const isTaken =
        edits === undefined
          ? connection.deliver(bytes, messages)
          : deliverEdited(connection, bytes, messages, source, its?.editsOf(edits) ?? edits);
      if (!isTaken) areTaken = false;
    }
    if (areTaken) for (const bytes of [common, source]) giveBackBuffer(bytes);
    this.#edits.clear();
  }

  #takeCommon(): Buffer {
    const bytes = this.#common.take();
    this.#commonMessages = 0;
    if (this.#kept.length > 0) {
      this.#history?.add(bytes, this.#kept);
      this.#kept = [];
    }
    return bytes;
  }
}
