import { eventually } from "./eventually.ts";
import type { Holdings, ObservedServer } from "./observed-server.ts";
import type { Violations } from "./violations.ts";

const mebibyte = 1024 * 1024;
const releaseLimitMs = 10_000;

/**
 * How much more may be held than at the beginning. Descriptors: none. Heap and buffers are counted after a full garbage
 * collection, so what is left is in use: code that was compiled meanwhile, about 1 MiB, and Node's pools. Resident
 * memory is what the allocators have not given back: it stops growing, but where is not to be foretold.
 */
export const allowedGrowth: Holdings = {
  descriptors: 0,
  heapBytes: 3 * mebibyte,
  bufferBytes: 2 * mebibyte,
  residentBytes: 64 * mebibyte,
};

/** Checks that no more is held than before, but for a growth that is allowed, and resolves to what is. */
export async function checkHoldings(
  observed: ObservedServer,
  before: Holdings,
  violations: Violations,
  allowed: Holdings = allowedGrowth,
): Promise<Holdings> {
  let now = await observed.holdings();
  await eventually(releaseLimitMs, async () => {
    now = await observed.holdings();
    return excess(before, now, allowed).length === 0;
  });
  for (const text of excess(before, now, allowed)) violations.add(text);
  return now;
}

function excess(before: Holdings, now: Holdings, allowed: Holdings): string[] {
  const names = Object.keys(allowed) as (keyof Holdings)[];
  return names.flatMap((name) => {
    const growth = now[name] - before[name];
    return growth > allowed[name] ? [`${name} grew from ${before[name]} to ${now[name]}`] : [];
  });
}
