import type { Registry } from "prom-client";
import { spawnTimeBounds, type SpawnTimeValues } from "../room/spawn-times.ts";
import { spawnTimeMetric } from "./metrics-table.ts";

type Metric = Parameters<Registry["registerMetric"]>[0];

/** A histogram that was counted elsewhere, in the form in which a registry asks for it. */
export function spawnTimeHistogram(read: () => SpawnTimeValues): Metric {
  const histogram = {
    ...spawnTimeMetric,
    type: "histogram",
    get: async () => ({ ...spawnTimeMetric, type: "histogram", values: samplesOf(read()) }),
  };
  return histogram as unknown as Metric;
}

/** Buckets add up: each counts all that are not longer than its bound. */
function samplesOf({ counts, sumS }: SpawnTimeValues): object[] {
  const { name } = spawnTimeMetric;
  let count = 0;
  const buckets = counts.map((inBucket, index) => {
    count += inBucket;
    return { metricName: `${name}_bucket`, labels: { le: spawnTimeBounds[index] ?? "+Inf" }, value: count };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: {}, value: sumS },
    { metricName: `${name}_count`, labels: {}, value: count },
  ];
}
