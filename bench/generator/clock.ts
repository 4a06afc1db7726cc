/** `performance.now` counts from the start of its own process; the clock below it is one for the whole machine. */
const offsetMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** A time that other processes of this machine can compare with theirs (`process.hrtime`). */
export function monotonicMs(): number {
  return performance.now() + offsetMs;
}
