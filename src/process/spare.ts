import { ErrorLog } from "../error-log.ts";
import type { ProcessEvents, ProcessExit, ProcessLink } from "../links.ts";
import type { Logger } from "../logger.ts";

/** What is to be known of a process that no room has. */
export interface SpareOwner {
  /** It has exited, so no room may get it. */
  onEnding(spare: Spare): void;
  onGone(spare: Spare, exit: ProcessExit): void;
}

/** A process that waits for a room. What it writes for clients stays in its pipes until one takes it. */
export class Spare implements ProcessEvents {
  readonly #owner: SpareOwner;
  readonly #errorLog: ErrorLog;
  #link: ProcessLink | undefined;
  #events: ProcessEvents | undefined;

  constructor(owner: SpareOwner, logger: Logger) {
    this.#owner = owner;
    this.#errorLog = new ErrorLog(logger, () => (this.#link === undefined ? {} : { pid: this.#link.pid }));
  }

  /** The process is there. */
  open(link: ProcessLink): void {
    this.#link = link;
    link.pause();
  }

  /** Hands the process over: from now on its events go to the room. */
  take(events: ProcessEvents): ProcessLink {
    const link = this.#link;
    if (link === undefined) throw new Error("a process that is not there was taken");
    this.#events = events;
    this.#errorLog.end();
    link.resume();
    return link;
  }

  terminate(): void {
    this.#link?.terminate();
  }

  kill(): void {
    this.#link?.kill();
  }

  onChunk(chunk: Buffer): void {
    this.#events?.onChunk(chunk);
  }

  onErrorChunk(chunk: Buffer): void {
    if (this.#events === undefined) this.#errorLog.push(chunk);
    else this.#events.onErrorChunk(chunk);
  }

  onWritable(): void {
    this.#events?.onWritable();
  }

  onInputClosed(): void {
    this.#events?.onInputClosed();
  }

  onEnding(): void {
    if (this.#events !== undefined) {
      this.#events.onEnding();
      return;
    }
    this.#owner.onEnding(this);
    // Its end is told when its output has been read, be it for nobody.
    this.#link?.resume();
  }

  onEnd(exit: ProcessExit): void {
    if (this.#events !== undefined) {
      this.#events.onEnd(exit);
      return;
    }
    this.#errorLog.end();
    this.#owner.onGone(this, exit);
  }
}
