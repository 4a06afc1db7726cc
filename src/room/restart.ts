/** After which end of a process its clients stay, and get a new one. */
export type RestartPolicy = "never" | "on-failure" | "always";

const firstDelayMs = 100;
const longestDelayMs = 10_000;
/** A process that has lived longer than this was well, so whatever ended it is worth a quick start again. */
const soundLifeMs = 10_000;

/** Says whether a process that has ended is to be followed by a new one. */
export function isRestarted(policy: RestartPolicy, hasFailed: boolean): boolean {
  return policy === "always" || (policy === "on-failure" && hasFailed);
}

/** How long to wait before each new start: longer each time while processes keep ending. */
export class RestartDelay {
  #nextMs = firstDelayMs;

  /** The wait after a process that has lived so long, in milliseconds. */
  after(livedMs: number): number {
    const delayMs = livedMs > soundLifeMs ? firstDelayMs : this.#nextMs;
    this.#nextMs = Math.min(delayMs * 2, longestDelayMs);
    return delayMs;
  }
}
