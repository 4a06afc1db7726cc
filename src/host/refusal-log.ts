import { LineBudget } from "../line-budget.ts";
import type { Logger, LogLevel } from "../logger.ts";

const maxLinesPerSecond = 100;
/** Stands where there is no address, as over a unix socket, so that every line ends in the same way. */
const unknownAddress = "unknown";

type WriteRefusal = (level: LogLevel, message: string, address: string) => void;

/** Says who was not let in and why, without letting a flood of them fill the log. */
export class RefusalLog {
  readonly #write: WriteRefusal;
  readonly #budget: LineBudget;

  /** Lines go to the logger, if nowhere else. */
  constructor(logger: Logger, write?: WriteRefusal) {
    this.#write =
      write ?? ((level, message, address) => logger[level](message, { address: address || unknownAddress }));
    this.#budget = new LineBudget(maxLinesPerSecond, (lines) => logger.warn(`${lines} more refusals were left out`));
  }

  /** `addressOf` is asked only where the line is written; empty is an address that is not known. */
  note(level: LogLevel, message: string, addressOf: () => string): void {
    if (this.#budget.take()) this.#write(level, message, addressOf());
  }
}
