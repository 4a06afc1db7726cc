const windowMs = 1000;

/** How many lines of one kind may stand in the log in a second. What goes beyond it is counted, and told when that is over. */
export class LineBudget {
  readonly #linesPerWindow: number;
  readonly #onLeftOut: (lines: number) => void;
  #lines = 0;
  #linesLeftOut = 0;
  #window: NodeJS.Timeout | undefined;

  constructor(linesPerSecond: number, onLeftOut: (lines: number) => void) {
    this.#linesPerWindow = linesPerSecond;
    this.#onLeftOut = onLeftOut;
  }

  /** Whether one more line may be written now. */
  take(): boolean {
    this.#window ??= setTimeout(() => this.#endWindow(), windowMs).unref();
    this.#lines += 1;
    if (this.#lines <= this.#linesPerWindow) return true;
    this.#linesLeftOut += 1;
    return false;
  }

  /** No line comes any more: what was left out is told now. */
  end(): void {
    clearTimeout(this.#window);
    this.#endWindow();
  }

  #endWindow(): void {
    this.#window = undefined;
    this.#lines = 0;
    if (this.#linesLeftOut === 0) return;
    this.#onLeftOut(this.#linesLeftOut);
    this.#linesLeftOut = 0;
  }
}
