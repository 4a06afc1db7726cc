import { ByteWriter } from "../framing/byte-writer.ts";
import { canBeGivenBack, giveBackBuffer } from "../framing/spare-buffers.ts";
import type { ProcessLink } from "../links.ts";
import { type Batch, Batches } from "./batches.ts";

/** More than this many bytes waiting for a process make its room stop reading from clients. */
const maxWaitingBytes = 1024 * 1024;

/** What a pipe holds as it is made: with more, one write would not be done at once. */
const enoughBytes = 64 * 1024;

/** What clients say to one process: gathered for a turn of the event loop, then handed over in one write. */
export class Inbox {
  /** Where framings append; call `changed` behind each message that has come to have bytes here, or `noticed`. */
  readonly out = new ByteWriter();
  readonly #onRoomAgain: () => void;
  readonly #batches: Batches | undefined;
  readonly #flushAtTurnEnd = (): void => this.#onTurnEnd();
  /**
   * "full" says that the link has as much as it should; "held", that this process gets no more, but perhaps another;
   * "closed", that nothing goes in any more.
   */
  #state: "waiting" | "open" | "full" | "held" | "closed" = "waiting";
  #link: ProcessLink | undefined;
  #messages = 0;
  /** What the link may not have handed on yet. */
  #underWay: Buffer[] = [];
  #underWayBytes = 0;
  #isTurnEndPlanned = false;

  /** What is kept can be taken back and said to another process. */
  constructor(onRoomAgain: () => void, isKept = false) {
    this.#onRoomAgain = onRoomAgain;
    this.#batches = isKept ? new Batches() : undefined;
  }

  /** Whether messages can be appended. */
  get isOpen(): boolean {
    return this.#state !== "closed";
  }

  /** Whether what is appended goes to this process, as join and leave messages have to. */
  get reachesProcess(): boolean {
    return this.isOpen && this.#state !== "held";
  }

  /** All that waits for the process, be it here or in its link. */
  get waitingBytes(): number {
    return this.out.length + (this.#batches?.waitingBytes ?? 0) + (this.#link?.pendingBytes ?? 0);
  }

  /** Whether more waits than should: clients are not to be read now, and `onRoomAgain` follows. */
  get isFull(): boolean {
    return this.#state === "full" || (this.#batches?.waitingBytes ?? 0) + this.out.length > maxWaitingBytes;
  }

  /** One more message was appended. */
  changed(): void {
    this.#messages += 1;
    this.#appended();
  }

  /** A join or leave message was appended from this offset on. */
  noticed(start: number): void {
    this.#batches?.noticed(start, this.out);
    this.#appended();
  }

  /** The process is there: what has waited goes to it, and then each turn's messages. */
  open(link: ProcessLink): void {
    this.#link = link;
    if (this.#state === "waiting") this.#flush();
    else if (this.#state === "closed") this.#write(true);
  }

  onWritable(): void {
    this.#giveBack();
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
    this.#write(true);
  }

  /** Takes back what the process has not read, which left so many bytes of what was handed over; closes. */
  take(unreadBytes: number): Batch[] {
    this.#state = "closed";
    this.#batches?.cut(this.out);
    return this.#batches?.take(unreadBytes) ?? [];
  }

  /** Appends what another process has not read. */
  append(batches: readonly Batch[]): void {
    this.#batches?.cut(this.out);
    this.#batches?.append(batches);
  }

  /** The process takes nothing more. Returns how many messages of clients still waited and are let go. */
  close(): number {
    const unread = this.#batches?.waitingMessages ?? this.#messages;
    this.#state = "closed";
    this.#messages = 0;
    this.#batches?.clear();
    this.out.take();
    this.#onRoomAgain();
    return unread;
  }

  #appended(): void {
    this.#batches?.changed(this.out);
    if (this.#state !== "open") return;
    if (this.out.length >= enoughBytes) this.#flush();
    if (this.#isTurnEndPlanned) return;
    this.#isTurnEndPlanned = true;
    setImmediate(this.#flushAtTurnEnd);
  }

  #onTurnEnd(): void {
    this.#isTurnEndPlanned = false;
    if (this.#state === "open") this.#flush();
  }

  #flush(): void {
    this.#state = this.#write() ? "open" : "full";
    if (this.#state === "open") this.#onRoomAgain();
  }

  #write(isForced = false): boolean {
    const link = this.#link;
    if (link === undefined) return true;
    if (this.#batches !== undefined) {
      this.#batches.cut(this.out);
      return this.#batches.write(link, isForced);
    }
    if (this.out.length === 0) return true;
    this.#messages = 0;
    const bytes = this.out.take();
    if (!canBeGivenBack(bytes)) return link.write(bytes);
    this.#underWay.push(bytes);
    this.#underWayBytes += bytes.length;
    const hasRoom = link.write(bytes);
    this.#giveBack();
    return hasRoom;
  }

  /** Lets the memory be used again of what was handed over, where nothing of that waits in the link any more. */
  #giveBack(): void {
    if (this.#link?.pendingBytes === 0) for (const bytes of this.#underWay) giveBackBuffer(bytes);
    // A process that never catches up for a moment is not to have all kept that it ever got.
    else if (this.#underWayBytes <= 2 * maxWaitingBytes) return;
    this.#underWay = [];
    this.#underWayBytes = 0;
  }
}
