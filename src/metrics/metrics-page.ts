import { collectDefaultMetrics, Counter, Gauge, type Metric as PromMetric, Registry } from "prom-client";
import { type Figures, type Metric, metricsTable } from "./metrics-table.ts";
import { spawnTimeHistogram } from "./spawn-time-histogram.ts";

/** What is told of the process: once for all servers in it, since nobody can stop what watches its garbage collections. */
const processMetrics = new Registry();
collectDefaultMetrics({ register: processMetrics });

/** The metrics of one server as OpenMetrics 1.0 text. */
export class MetricsPage {
  readonly contentType = Registry.OPENMETRICS_CONTENT_TYPE;
  readonly #measure: () => Promise<Figures>;
  readonly #registry = new Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE>();
  /** Read whole before a page is made, so that what stands on it fits together. */
  #figures: Figures | undefined;

  constructor(measure: () => Promise<Figures>) {
    this.#measure = measure;
    this.#registry.setContentType(this.contentType);
    for (const metric of metricsTable) this.#register(metric);
    this.#registry.registerMetric(spawnTimeHistogram(() => this.#now.counters.spawnTimes));
    for (const metric of processMetrics.getMetricsAsArray())
      this.#registry.registerMetric(metric as unknown as PromMetric);
  }

  async render(): Promise<string> {
    this.#figures = await this.#measure();
    return this.#registry.metrics();
  }

  get #now(): Figures {
    if (this.#figures === undefined) throw new Error("nothing was measured yet");
    return this.#figures;
  }

  #register({ name, help, labels, type, read }: Metric): void {
    const common = { name, help, labelNames: labels, registers: [this.#registry] };
    const samples = (): ReturnType<typeof read> => read(this.#now);
    if (type === "counter") {
      const counter = new Counter({
        ...common,
        collect() {
          counter.reset();
          for (const [labelValues, value] of samples()) counter.inc(labelValues, value);
        },
      });
    } else {
      const gauge = new Gauge({
        ...common,
        collect() {
          gauge.reset();
          // A reset leaves a gauge without labels at 0, which is not the same as without a value.
          if (labels.length === 0) gauge.remove();
          for (const [labelValues, value] of samples()) gauge.set(labelValues, value);
        },
      });
    }
  }
}
