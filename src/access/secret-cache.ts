import { createHmac, randomBytes } from "node:crypto";

interface Entry<Value> {
  readonly value: Value;
  readonly untilMs: number;
}

/**
 * Remembers for a while what was found out about secrets, without the secrets: only a hash of each is kept, made with a
 * key that is nowhere else.
 */
export class SecretCache<Value> {
  readonly #maxEntries: number;
  readonly #hashKey = randomBytes(32);
  /** The oldest first. */
  readonly #entries = new Map<string, Entry<Value>>();

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  /** What stands for a secret here, and says nothing elsewhere. */
  keyOf(secret: string): string {
    return createHmac("sha256", this.#hashKey).update(secret).digest("base64");
  }

  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (performance.now() < entry.untilMs) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  /** Where there are too many, the oldest go. */
  set(key: string, value: Value, forMs: number): void {
    if (!(forMs > 0)) return;
    this.#entries.delete(key);
    this.#entries.set(key, { value, untilMs: performance.now() + forMs });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.#maxEntries && oldest !== undefined) this.#entries.delete(oldest);
  }
}
