/** Upper bounds of the buckets that the times are counted in, in seconds; longer ones count only in the last. */
export const spawnTimeBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

/** How long starts of processes took: how many per bucket, each by itself, and all times together. Plain data. */
export interface SpawnTimeValues {
  readonly counts: readonly number[];
  readonly sumS: number;
}

/** Counts how long starts of processes take. */
export class SpawnTimes implements SpawnTimeValues {
  readonly counts: number[] = Array.from({ length: spawnTimeBounds.length + 1 }, () => 0);
  sumS = 0;

  observe(seconds: number): void {
    const found = spawnTimeBounds.findIndex((bound) => seconds <= bound);
    const bucket = found === -1 ? spawnTimeBounds.length : found;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.sumS += seconds;
  }
}
