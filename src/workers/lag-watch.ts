const sampleMs = 50;

/** Watches how late an event loop comes to what is due. */
export class LagWatch {
  #dueAt = performance.now() + sampleMs;
  #worst = 0;
  #worstBefore = 0;

  constructor() {
    setInterval(() => this.#sample(), sampleMs).unref();
  }

  /** The most that it was late since the call before the last of `startOver`. */
  get lagMs(): number {
    return Math.max(this.#worst, this.#worstBefore);
  }

  startOver(): void {
    this.#worstBefore = this.#worst;
    this.#worst = 0;
  }

  #sample(): void {
    const now = performance.now();
    this.#worst = Math.max(this.#worst, now - this.#dueAt);
    this.#dueAt = now + sampleMs;
  }
}
