import { setTimeout as sleep } from "node:timers/promises";

const limitMs = 15_000;
const pollMs = 5;

/** Waits until something holds, looking often; fails with what was waited for when it takes too long. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what: string | (() => string) = "a condition",
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await holds())) {
    if (performance.now() > deadline) {
      throw new Error(`waited ${limitMs} ms for ${typeof what === "string" ? what : what()}`);
    }
    await sleep(pollMs);
  }
}
