import { RefusedError } from "../errors.ts";

/** What was not used for so long may be used at once. */
const burstMs = 5000;

/** As many networks are known at most: about 10 MB. */
const maxNetworks = 65_536;

/** Holds each network to so many new connections a second (a "leaky bucket", of which only its empty time is kept). */
export class ConnectionRate {
  readonly #intervalMs: number;
  readonly #now: () => number;
  /** When nothing is left of what each network has used; from the one that came least recently on. */
  readonly #freeAt = new Map<string, number>();

  constructor(perSecond: number, now: () => number = () => performance.now()) {
    this.#intervalMs = 1000 / perSecond;
    this.#now = now;
  }

  /** How many networks are known. */
  get size(): number {
    return this.#freeAt.size;
  }

  /** @throws RefusedError 429 */
  count(network: string): void {
    const now = this.#now();
    const freeAt = Math.max(this.#freeAt.get(network) ?? now, now) + this.#intervalMs;
    const overMs = freeAt - now - Math.max(burstMs, this.#intervalMs);
    // Sums of fractions are not exact.
    if (overMs > 0.001) {
      throw RefusedError.tooMany(
        `too many new connections from ${network || "this address"}`,
        Math.ceil(overMs / 1000),
      );
    }
    this.#freeAt.delete(network);
    this.#forget(now);
    this.#freeAt.set(network, freeAt);
  }

  /** For each that comes up to two go, so that no more stay than those who have come lately. */
  #forget(now: number): void {
    let left = 2;
    for (const [network, freeAt] of this.#freeAt) {
      if (left === 0 || (freeAt > now && this.#freeAt.size < maxNetworks)) return;
      this.#freeAt.delete(network);
      left -= 1;
    }
  }
}
