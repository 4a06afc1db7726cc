import { closeCodes } from "../close-codes.ts";
import { ServerError } from "../errors.ts";
import { unexpected } from "../options.ts";

/** How a server stops; without more, all of it at once. */
export interface StopOptions {
  /** How long all goes on as before while `/health` says that the server is going, in milliseconds. */
  readonly waitMs?: number;
  /** Over how long rooms are closed then, one after the other, in milliseconds. */
  readonly spreadMs?: number;
  /** What clients are closed with: that the server goes away, or that it is to be started again. */
  readonly code?: typeof closeCodes.goingAway.code | typeof closeCodes.serviceRestart.code;
}

const longestMs = 24 * 60 * 60 * 1000;
const codes = new Set<unknown>([undefined, closeCodes.goingAway.code, closeCodes.serviceRestart.code]);

/** @throws ServerError ERR_USAGE */
export function checkStopOptions(how: StopOptions): void {
  // From JavaScript, it may be anything.
  if (typeof how !== "object" || how === null) {
    throw unexpected("stop", "an object such as { waitMs: 5000, spreadMs: 10_000, code: 1012 }", how);
  }
  const { waitMs = 0, spreadMs = 0, code, ...rest } = how;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) {
    throw new ServerError("ERR_USAGE", `stop: there is no option called ${JSON.stringify(unknown)}`);
  }
  for (const [name, value] of Object.entries({ waitMs, spreadMs })) {
    if (typeof value === "number" && value >= 0 && value <= longestMs) continue;
    throw unexpected(name, `milliseconds from 0 to ${longestMs}`, value);
  }
  if (!codes.has(code)) throw unexpected("code", "1001 or 1012", code);
}

/** Waits, unless it is told not to. */
export class Patience {
  /** Whether all is to be over at once. */
  isLost = false;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;
  #onOver: () => void = () => undefined;

  async wait(forMs: number): Promise<void> {
    if (forMs === 0 || this.#isOver) return;
    await new Promise<void>((resolve) => {
      this.#onOver = resolve;
      this.#timer = setTimeout(resolve, forMs);
    });
  }

  /** There is nothing to wait for. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#onOver();
  }

  lose(): void {
    this.isLost = true;
    this.end();
  }
}
