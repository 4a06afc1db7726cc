import { messageOf } from "./errors.ts";
import type { Logger } from "./logger.ts";

/** Something that was read from files, and can be read again while the server runs. */
export interface Reloadable {
  /** What it is, for the log, such as `certificate game.pem`. */
  readonly what: string;

  /** Reads it again. Where that throws, what was read before has to stay in force. The message must hold no secret. */
  reload(): Promise<void>;
}

/** All that a server can read again. */
export class Reloads {
  readonly #items: Reloadable[] = [];
  readonly #logger: Logger;
  #current: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  add(item: Reloadable): void {
    this.#items.push(item);
  }

  /** Reads everything again, and resolves when that is done. What cannot be read stays as it was, and the log says why. */
  async run(): Promise<void> {
    // What is under way may have read a file before it was changed, so one more run follows, and one is enough.
    this.#next ??= this.#runAfter(this.#current);
    return this.#next;
  }

  async #runAfter(before: Promise<void>): Promise<void> {
    await before;
    this.#current = this.#reloadAll();
    this.#next = undefined;
    await this.#current;
  }

  async #reloadAll(): Promise<void> {
    if (this.#items.length === 0) this.#logger.info("nothing to read again: no option names a file that could be");
    await Promise.all(this.#items.map((item) => this.#reload(item)));
  }

  async #reload(item: Reloadable): Promise<void> {
    try {
      await item.reload();
      this.#logger.info(`read again: ${item.what}`);
    } catch (error) {
      this.#logger.error(`cannot read again, and stays as it was: ${item.what}: ${messageOf(error)}`);
    }
  }
}
