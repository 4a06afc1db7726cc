import type { Guest } from "../access/gate.ts";
import { RefusedError } from "../errors.ts";

const timeoutMs = 10_000;

/** Bounds handshakes that are decided on: so many at once, and each for so long. */
export class HandshakeLimit {
  readonly #most: number;
  readonly #timeoutMs: number;
  #underWay = 0;

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

  async #limit(admission: Promise<Guest>): Promise<Guest> {
    this.#underWay += 1;
    let isLate = false;
    try {
      return await new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          isLate = true;
          reject(RefusedError.forNow("the handshake took too long"));
        }, this.#timeoutMs);
        admission.then(resolve, reject).finally(() => clearTimeout(timer));
      });
    } finally {
      if (isLate) void this.#seeOff(admission);
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
