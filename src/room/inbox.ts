import { ByteWriter } from "../framing/byte-writer.ts";
import type { ProcessLink } from "../links.ts";

/** More than this many bytes waiting for a process make its room stop reading from clients. */
const maxWaitingBytes = 1024 * 1024;

/** Where what waits may be needed for another process, it is handed over in batches not much larger than this. */
const batchBytes = 64 * 1024;

/** Whole messages that go to the process in one write. */
export interface Batch {
  readonly bytes: Buffer;
  readonly messages: number;
  /** Start and end of each join or leave message among them, which are for one process only. */
  readonly notices: readonly number[];
}

/** What clients say to one process: gathered for a turn of the event loop, then handed over in one write. */
export class Inbox {
  /** Where framings append; call `changed` behind each message, or `noticed`. */
  readonly out = new ByteWriter();
  readonly #onRoomAgain: () => void;
  readonly #isKept: boolean;
  readonly #flushAtTurnEnd = (): void => this.#onTurnEnd();
  /**
   * "full" says that the link has as much as it should; "held", that this process gets no more, but perhaps another;
   * "closed", that nothing goes in any more.
   */
  #state: "waiting" | "open" | "full" | "held" | "closed" = "waiting";
  #link: ProcessLink | undefined;
  /** What comes before `out`; only where it is kept. */
  #batches: Batch[] = [];
  #batchedBytes = 0;
  #messages = 0;
  #notices: number[] = [];
  #isTurnEndPlanned = false;

  /** What is kept can be taken back and said to another process, but for what was handed over. */
  constructor(onRoomAgain: () => void, isKept = false) {
    this.#onRoomAgain = onRoomAgain;
    this.#isKept = isKept;
  }

  /** Whether messages can be appended. */
  get isOpen(): boolean {
    return this.#state !== "closed";
  }

  /** Whether what is appended goes to this process, as join and leave messages have to. */
  get reachesProcess(): boolean {
    return this.isOpen && this.#state !== "held";
  }

  /** Whether more waits than should: clients are not to be read now, and `onRoomAgain` follows. */
  get isFull(): boolean {
    return this.#state === "full" || this.#batchedBytes + this.out.length > maxWaitingBytes;
  }

  /** One more message was appended. */
  changed(): void {
    this.#messages += 1;
    if (this.#isKept && this.out.length >= batchBytes) this.#endBatch();
    if (this.#isTurnEndPlanned || this.#state !== "open") return;
    this.#isTurnEndPlanned = true;
    setImmediate(this.#flushAtTurnEnd);
  }

  /** A join or leave message was appended from this offset on. */
  noticed(start: number): void {
    if (this.#isKept) this.#notices.push(start, this.out.length);
    this.changed();
  }

  /** The process is there: what has waited goes to it, and then each turn's messages. */
  open(link: ProcessLink): void {
    this.#link = link;
    if (this.#state === "waiting") this.#flush();
    else if (this.#state === "closed") this.#writeAll();
  }

  onWritable(): void {
    if (this.#state === "full") this.#flush();
  }

  /** The process gets nothing more, but messages are gathered on. */
  hold(): void {
    if (this.#state === "closed") return;
    this.#state = "held";
    if (!this.isFull) this.#onRoomAgain();
  }

  /** Nothing is appended any more, and what waits goes to the process however much that is. */
  finish(): void {
    if (this.#state === "held") return;
    this.#state = "closed";
    this.#writeAll();
  }

  /** Takes back what waits, for another process, and closes. */
  take(): Batch[] {
    this.#endBatch();
    const batches = this.#batches.map(withoutNotices).filter(({ messages }) => messages > 0);
    this.#clear();
    return batches;
  }

  /** Appends what another process was not given. */
  append(batches: readonly Batch[]): void {
    this.#endBatch();
    for (const batch of batches) this.#addBatch(batch);
  }

  /** The process takes nothing more. Returns how many messages still waited and are let go. */
  close(): number {
    const unread = this.#batches.reduce((sum, { messages }) => sum + messages, this.#messages);
    this.#clear();
    this.#onRoomAgain();
    return unread;
  }

  #onTurnEnd(): void {
    this.#isTurnEndPlanned = false;
    if (this.#state === "open") this.#flush();
  }

  #flush(): void {
    this.#state = this.#write() ? "open" : "full";
    if (this.#state === "open") this.#onRoomAgain();
  }

  #writeAll(): void {
    const link = this.#link;
    if (link === undefined) return;
    for (const { bytes } of this.#batches) link.write(bytes);
    this.#batches = [];
    this.#writeOut();
  }

  #write(): boolean {
    if (this.#batches.length > 0 && !this.#writeBatches()) return false;
    return this.#writeOut();
  }

  /** Writes batches for as long as the link has room. */
  #writeBatches(): boolean {
    const link = this.#link;
    if (link === undefined) return true;
    let hasRoom = true;
    let written = 0;
    for (const { bytes } of this.#batches) {
      if (!hasRoom) break;
      hasRoom = link.write(bytes);
      this.#batchedBytes -= bytes.length;
      written += 1;
    }
    this.#batches = this.#batches.slice(written);
    return hasRoom;
  }

  #writeOut(): boolean {
    if (this.#link === undefined || this.out.length === 0) return true;
    this.#messages = 0;
    if (this.#isKept) this.#notices = [];
    return this.#link.write(this.out.take());
  }

  #endBatch(): void {
    if (this.out.length === 0) return;
    this.#addBatch({ bytes: this.out.take(), messages: this.#messages, notices: this.#notices });
    this.#messages = 0;
    this.#notices = [];
  }

  #addBatch(batch: Batch): void {
    this.#batches.push(batch);
    this.#batchedBytes += batch.bytes.length;
  }

  #clear(): void {
    this.#state = "closed";
    this.#batches = [];
    this.#batchedBytes = 0;
    this.#messages = 0;
    this.#notices = [];
    this.out.take();
  }
}

function withoutNotices(batch: Batch): Batch {
  const { bytes, messages, notices } = batch;
  if (notices.length === 0) return batch;
  const kept = new ByteWriter();
  let from = 0;
  for (let at = 0; at < notices.length; at += 2) {
    kept.append(bytes, from, notices[at]);
    from = notices[at + 1] as number;
  }
  kept.append(bytes, from);
  return { bytes: kept.take(), messages: messages - notices.length / 2, notices: [] };
}
