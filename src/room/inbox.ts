import { ByteWriter } from "../framing/byte-writer.ts";
import type { ProcessLink } from "../links.ts";

/** More than this many bytes waiting for a process make its room stop reading from clients. */
const maxWaitingBytes = 1024 * 1024;

/** What clients say to one process: gathered for a turn of the event loop, then handed over in one write. */
export class Inbox {
  /** Where framings append; call `changed` behind each message. */
  readonly out = new ByteWriter();
  readonly #onRoomAgain: () => void;
  readonly #flushAtTurnEnd = (): void => this.#onTurnEnd();
  /** "full" says that the link has as much as it should; "closed", that nothing goes in any more. */
  #state: "waiting" | "open" | "full" | "closed" = "waiting";
  #link: ProcessLink | undefined;
  #messages = 0;
  #isTurnEndPlanned = false;

  constructor(onRoomAgain: () => void) {
    this.#onRoomAgain = onRoomAgain;
  }

  /** Whether messages can be appended. */
  get isOpen(): boolean {
    return this.#state !== "closed";
  }

  /** Whether more waits than should: clients are not to be read now, and `onRoomAgain` follows. */
  get isFull(): boolean {
    return this.#state === "full" || this.out.length > maxWaitingBytes;
  }

  /** One more message was appended. */
  changed(): void {
    this.#messages += 1;
    if (this.#isTurnEndPlanned || this.#state !== "open") return;
    this.#isTurnEndPlanned = true;
    setImmediate(this.#flushAtTurnEnd);
  }

  /** The process is there: what has waited goes to it, and then each turn's messages. */
  open(link: ProcessLink): void {
    this.#link = link;
    if (this.#state === "waiting") this.#flush();
    else this.#write();
  }

  onWritable(): void {
    if (this.#state === "full") this.#flush();
  }

  /** Nothing is appended any more, and what waits goes to the process however much that is. */
  finish(): void {
    this.#state = "closed";
    this.#write();
  }

  /** The process takes nothing more. Returns how many messages still waited and are let go. */
  close(): number {
    const unread = this.#messages;
    this.#state = "closed";
    this.#messages = 0;
    this.out.take();
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

  #write(): boolean {
    if (this.#link === undefined || this.out.length === 0) return true;
    this.#messages = 0;
    return this.#link.write(this.out.take());
  }
}
