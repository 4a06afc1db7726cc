import { type DropReason, dropReasons } from "../drop-reasons.ts";
import type { LogFields, Logger } from "../logger.ts";

const quietMs = 1000;

/** Says that messages were dropped, without letting a client fill the log: one line each, at most one a second. */
export class DropLog {
  readonly #logger: Logger;
  #timer: NodeJS.Timeout | undefined;
  #unsaid = 0;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  note(reason: DropReason, fields: LogFields): void {
    if (this.#timer !== undefined) {
      this.#unsaid += 1;
      return;
    }
    this.#logger.warn(`message dropped: ${dropReasons[reason]}`, fields);
    this.#beQuiet();
  }

  #beQuiet(): void {
    this.#timer = setTimeout(() => this.#onQuietEnd(), quietMs).unref();
  }

  #onQuietEnd(): void {
    this.#timer = undefined;
    if (this.#unsaid === 0) return;
    this.#logger.warn(`${this.#unsaid} more messages dropped`);
    this.#unsaid = 0;
    this.#beQuiet();
  }
}
