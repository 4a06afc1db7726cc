import { type DropReason, dropReasons } from "../drop-reasons.ts";
import { LineBudget } from "../line-budget.ts";
import type { LogFields, Logger } from "../logger.ts";

const maxLinesPerSecond = 1;

/** Says that messages were dropped, without letting a client fill the log. */
export class DropLog {
  readonly #logger: Logger;
  readonly #budget: LineBudget;

  constructor(logger: Logger) {
    this.#logger = logger;
    this.#budget = new LineBudget(maxLinesPerSecond, (messages) => logger.warn(`${messages} more messages dropped`));
  }

  note(reason: DropReason, fields: LogFields): void {
    if (this.#budget.take()) this.#logger.warn(`message dropped: ${dropReasons[reason]}`, fields);
  }
}
