const checksPerTimeout = 10;

/** Watches a number that should grow, and tells once when it has stood still for the given time. */
export class StallWatch {
  readonly #timeoutMs: number;
  readonly #progress: () => number;
  readonly #onStall: () => void;
  #timer: NodeJS.Timeout | undefined;
  #lastProgress = 0;
  #checksWithout = 0;

  constructor(timeoutMs: number, progress: () => number, onStall: () => void) {
    this.#timeoutMs = timeoutMs;
    this.#progress = progress;
    this.#onStall = onStall;
  }

  start(): void {
    if (this.#timer !== undefined) return;
    this.#lastProgress = this.#progress();
    this.#checksWithout = 0;
    this.#timer = setInterval(() => this.#check(), this.#timeoutMs / checksPerTimeout);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #check(): void {
    const progress = this.#progress();
    this.#checksWithout = progress === this.#lastProgress ? this.#checksWithout + 1 : 0;
    this.#lastProgress = progress;
    if (this.#checksWithout < checksPerTimeout) return;
    this.stop();
    this.#onStall();
  }
}
