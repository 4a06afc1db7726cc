import { setImmediate as turn } from "node:timers/promises";
import type { Guest } from "../access/gate.ts";
import { RefusedError } from "../errors.ts";

const timeoutMs = 10_000;

/** Bounds handshakes that are decided on: so many at once, and each for so long. */
export class HandshakeLimit {
  readonly #most: number;
  readonly #timeoutMs: number;
  #underWay = 0;
  /** Each refuses one that is decided on; the reason is what its client hears. */
  readonly #refusals = new Set<AbortController>();

  constructor(most: number, limitMs = timeoutMs) {
    this.#most = most;
    this.#timeoutMs = limitMs;
  }

  /**
   * Waits for an admission, unless there is nothing to wait for.
   * @throws RefusedError 503 where there are too many, or where it takes too long.
   */
  run(admit: () => Guest | Promise<Guest>): Guest | Promise<Guest> {
    if (this.#underWay >= this.#most) throw RefusedError.forNow("too many handshakes are under way");
    const admission = admit();
    return admission instanceof Promise ? this.#limit(admission) : admission;
  }

  /** Refuses those that are decided on, for good; resolves when they have been told. */
  async close(): Promise<void> {
    for (const refusal of this.#refusals) refusal.abort(RefusedError.forNow("server is shutting down"));
    await turn();
  }

  async #limit(admission: Promise<Guest>): Promise<Guest> {
    this.#underWay += 1;
    const refusal = new AbortController();
    const refused = new Promise<never>((_resolve, reject) => {
      refusal.signal.addEventListener("abort", () => reject(refusal.signal.reason as RefusedError));
    });
    const timer = setTimeout(() => refusal.abort(RefusedError.forNow("the handshake took too long")), this.#timeoutMs);
    this.#refusals.add(refusal);
    try {
      return await Promise.race([admission, refused]);
    } finally {
      clearTimeout(timer);
      this.#refusals.delete(refusal);
      if (refusal.signal.aborted) void this.#seeOff(admission);
      else this.#underWay -= 1;
    }
  }

  /** Whoever is let in too late has gone by then. What is still being done for them counts until it is done. */
  async #seeOff(admission: Promise<Guest>): Promise<void> {
    const guest = await admission.catch(() => undefined);
    guest?.ticket?.giveBack();
    this.#underWay -= 1;
  }
}
