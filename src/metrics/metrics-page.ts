import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { SpawnTime } from "../room/room-context.ts";
import { type MetricsSource, metricsTable, spawnTimeMetric } from "./metrics-table.ts";

/** The metrics of one server as OpenMetrics 1.0 text. */
export class MetricsPage {
  readonly contentType = Registry.OPENMETRICS_CONTENT_TYPE;
  readonly spawnTime: SpawnTime;
  readonly #registry = new Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE>();

  constructor(source: MetricsSource) {
    this.#registry.setContentType(this.contentType);
    const registers = [this.#registry];
    for (const { name, help, labels, type, read } of metricsTable) {
      const common = { name, help, labelNames: labels, registers };
      if (type === "counter") {
        const counter = new Counter({
          ...common,
          collect() {
            counter.reset();
            for (const [labelValues, value] of read(source)) counter.inc(labelValues, value);
          },
        });
      } else {
        const gauge = new Gauge({
          ...common,
          collect() {
            gauge.reset();
            for (const [labelValues, value] of read(source)) gauge.set(labelValues, value);
          },
        });
      }
    }
    this.spawnTime = new Histogram({ ...spawnTimeMetric, registers });
    collectDefaultMetrics({ register: this.#registry });
  }

  async render(): Promise<string> {
    return this.#registry.metrics();
  }
}
