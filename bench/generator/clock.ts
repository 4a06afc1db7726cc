/** A time that other processes of this machine can compare with theirs: `performance.now` counts from its own start. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}
