import { setTimeout as sleep } from "node:timers/promises";

const pollMs = 50;

/** Whether something holds within the time, looking often. */
export async function eventually(withinMs: number, holds: () => boolean | Promise<boolean>): Promise<boolean> {
  const deadlineMs = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > deadlineMs) return false;
    await sleep(pollMs);
  }
  return true;
}
