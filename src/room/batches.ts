import { ByteWriter } from "../framing/byte-writer.ts";
import type { ProcessLink } from "../links.ts";

/** A batch ends with the message that makes it as large as this, so that little is on its way to a process at once. */
const batchBytes = 64 * 1024;

/** As much of what was handed over before the last batch may be unread: in the pipe, and in front of it. */
const unreadBytes = 4 * batchBytes;

/** Whole messages that go to a process in one write. */
export interface Batch {
  readonly bytes: Buffer;
  /** Where each message ends. */
  readonly ends: readonly number[];
  /** Where each join or leave message among them starts and ends: they are for one process only. */
  readonly notices: readonly number[];
}

/** What waits for a process, or was handed over and may not be read yet, so that the next process can get it. */
export class Batches {
  #waiting: Batch[] = [];
  #waitingBytes = 0;
  #handedOver: Batch[] = [];
  #handedOverBytes = 0;
  /** Those of messages that are not in a batch yet. */
  #ends: number[] = [];
  #notices: number[] = [];

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** How many messages wait, be they in a batch or not, without join and leave messages. */
  get waitingMessages(): number {
    const waiting = [...this.#waiting, { ends: this.#ends, notices: this.#notices }];
    return waiting.reduce((sum, { ends, notices }) => sum + ends.length - notices.length / 2, 0);
  }

  /** One more message was appended to `out`. */
  changed(out: ByteWriter): void {
    this.#ends.push(out.length);
    if (out.length >= batchBytes) this.cut(out);
  }

  /** A join or leave message was appended to `out` from this offset on; `changed` follows. */
  noticed(start: number, out: ByteWriter): void {
    this.#notices.push(start, out.length);
  }

  /** Makes a batch of all that `out` holds. */
  cut(out: ByteWriter): void {
    if (out.length === 0) return;
    this.#add({ bytes: out.take(), ends: this.#ends, notices: this.#notices });
    this.#ends = [];
    this.#notices = [];
  }

  append(batches: readonly Batch[]): void {
    for (const batch of batches) this.#add(batch);
  }

  /** Hands batches over for as long as the link has room, or all of them; returns whether it has room still. */
  write(link: ProcessLink, isForced = false): boolean {
    let hasRoom = true;
    let count = 0;
    for (const batch of this.#waiting) {
      if (!hasRoom && !isForced) break;
      hasRoom = link.write(batch.bytes);
      count += 1;
      this.#keep(batch);
    }
    this.#waiting = this.#waiting.slice(count);
    return hasRoom;
  }

  /**
   * Takes away all messages but join and leave messages that the process has not read: what waits, and what ends in the
   * last so many bytes of what was handed over.
   */
  take(unread: number): Batch[] {
    const readBytes = this.#handedOverBytes - unread;
    const taken: Batch[] = [];
    let start = 0;
    for (const batch of [...this.#handedOver, ...this.#waiting]) {
      taken.push(messagesBehind(batch, readBytes - start));
      start += batch.bytes.length;
    }
    this.clear();
    return taken.filter(({ ends }) => ends.length > 0);
  }

  clear(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#handedOver = [];
    this.#handedOverBytes = 0;
    this.#ends = [];
    this.#notices = [];
  }

  #add(batch: Batch): void {
    this.#waiting.push(batch);
    this.#waitingBytes += batch.bytes.length;
  }

  /** Remembers the batch, and forgets those that must have been read by now. */
  #keep(batch: Batch): void {
    this.#waitingBytes -= batch.bytes.length;
    this.#handedOver.push(batch);
    this.#handedOverBytes += batch.bytes.length;
    let [oldest] = this.#handedOver;
    while (oldest !== undefined && this.#handedOverBytes - oldest.bytes.length - batch.bytes.length >= unreadBytes) {
      this.#handedOver.shift();
      this.#handedOverBytes -= oldest.bytes.length;
      [oldest] = this.#handedOver;
    }
  }
}

/** The messages of a batch that end behind an offset, without join and leave messages. */
function messagesBehind({ bytes, ends, notices }: Batch, offset: number): Batch {
  const kept = new ByteWriter();
  const keptEnds: number[] = [];
  let start = 0;
  let notice = 0;
  for (const end of ends) {
    const isNotice = notices[notice] === start && notices[notice + 1] === end;
    if (isNotice) notice += 2;
    else if (end > offset) {
      kept.append(bytes, start, end);
      keptEnds.push(kept.length);
    }
    start = end;
  }
  return { bytes: kept.take(), ends: keptEnds, notices: [] };
}
