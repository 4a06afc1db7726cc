import { setImmediate as turn } from "node:timers/promises";
import type { Guest } from "../access/gate.ts";
import { RefusedError } from "../errors.ts";

const timeoutMs = 10_000;

/** Bounds handshakes that are decided on: so many at once, and each for so long. */
export class HandshakeLimit {
  readonly #most: number;
  readonly #timeoutMs: number;
  #underWay = 0;
  /** End the wait of those that are decided on. */
  readonly #refusals = new Set<(message: string) => void>();

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
    for (const refuse of this.#refusals) refuse("server is shutting down");
    await turn();
  }

  async #limit(admission: Promise<Guest>): Promise<Guest> {
    this.#underWay += 1;
    let isLate = false;
    let refuse: (message: string) => void = () => undefined;
    const refused = new Promise<never>((_resolve, reject) => {
      refuse = (message) => {
        isLate = true;
        reject(RefusedError.forNow(message));
      };
    });
    const timer = setTimeout(() => refuse("the handshake took too long"), this.#timeoutMs);
    this.#refusals.add(refuse);
    try {
      return await Promise.race([admission, refused]);
    } finally {
      clearTimeout(timer);
      this.#refusals.delete(refuse);
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
