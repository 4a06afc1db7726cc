/** Timers take no more than 2^31 - 1 ms, and count no time in which the machine sleeps or its clock is set. */
const lookAgainMs = 60_000;

/** Tells once when a time has come. */
export class Expiry {
  readonly #atMs: number;
  readonly #onExpired: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** `atMs` is in milliseconds of Unix time. */
  constructor(atMs: number, onExpired: () => void) {
    this.#atMs = atMs;
    this.#onExpired = onExpired;
    this.#wait();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #wait(): void {
    const leftMs = this.#atMs - Date.now();
    this.#timer = setTimeout(() => this.#look(), Math.min(Math.max(leftMs, 0), lookAgainMs));
  }

  #look(): void {
    if (Date.now() < this.#atMs) this.#wait();
    else this.#onExpired();
  }
}
