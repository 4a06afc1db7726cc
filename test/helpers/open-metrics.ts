/** The value of one series. */
interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

/** One family of metrics, with its samples in the order of the page. */
export interface MetricFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** What a sample's name may have behind the name of its family, by the family's type. */
const suffixes: Readonly<Record<string, readonly string[]>> = {
  counter: ["_total", "_created"],
  gauge: [""],
  histogram: ["_bucket", "_count", "_sum", "_created"],
  gaugehistogram: ["_bucket", "_gcount", "_gsum"],
  summary: ["", "_count", "_sum", "_created"],
  info: ["_info"],
  stateset: [""],
  unknown: [""],
};

const metricName = "[A-Za-z:][A-Za-z0-9_:]*";
const escapedText = String.raw`(?:[^\n"\\]|\\[n"\\])*`;
const label = `[A-Za-z][A-Za-z0-9_]*="${escapedText}"`;
const digits = String.raw`(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?`;
const number = `(?:[+-]?(?:${digits}|inf|infinity)|nan)`;
const metadataLine = new RegExp(`^# (TYPE|HELP|UNIT) (${metricName}) (${escapedText})$`);
const sampleLine = new RegExp(`^(${metricName})(?:\\{((?:${label}(?:,${label})*)?)\\})? (${number})$`, "i");
const eachLabel = new RegExp(`([A-Za-z][A-Za-z0-9_]*)="(${escapedText})"`, "g");

/**
 * Reads a page by the rules of OpenMetrics 1.0, stricter than it where it only advises, and without timestamps and
 * exemplars. Throws with the line that breaks a rule.
 */
export function parseOpenMetrics(page: string): Map<string, MetricFamily> {
  if (!page.endsWith("\n# EOF\n") && page !== "# EOF\n") throw new Error("the page does not end in # EOF");
  const families = new Map<string, FamilyReader>();
  let current: FamilyReader | undefined;
  for (const line of page.split("\n").slice(0, -2)) {
    const metadata = metadataLine.exec(line);
    if (metadata !== null) {
      const [, kind = "", name = "", value = ""] = metadata;
      if (current?.name !== name) {
        if (families.has(name)) throw new Error(`a family comes twice: ${line}`);
        current = new FamilyReader(name);
        families.set(name, current);
      }
      current.addMetadata(kind, value, line);
    } else if (current === undefined) {
      throw new Error(`a sample without a family: ${line}`);
    } else {
      current.addSample(line);
    }
  }
  for (const family of families.values()) family.check();
  checkClashes(families.values());
  return new Map(families);
}

class FamilyReader implements MetricFamily {
  readonly name: string;
  readonly samples: Sample[] = [];
  readonly #metadata = new Map<string, string>();
  /** The series by their labels without those that tell the parts of one metric from each other. */
  readonly #metrics = new Map<string, Sample[]>();
  #lastMetric = "";

  constructor(name: string) {
    this.name = name;
  }

  get type(): string {
    return this.#metadata.get("TYPE") ?? "unknown";
  }

  get help(): string {
    return this.#metadata.get("HELP") ?? "";
  }

  get sampleNames(): string[] {
    return (suffixes[this.type] ?? []).map((suffix) => this.name + suffix);
  }

  addMetadata(kind: string, value: string, line: string): void {
    if (this.#metadata.has(kind)) throw new Error(`metadata comes twice: ${line}`);
    if (this.samples.length > 0) throw new Error(`metadata behind a sample: ${line}`);
    if (kind === "TYPE" && !Object.hasOwn(suffixes, value)) throw new Error(`no such type: ${line}`);
    if (kind === "UNIT" && !this.name.endsWith(`_${value}`)) throw new Error(`name does not end in the unit: ${line}`);
    this.#metadata.set(kind, value);
  }

  addSample(line: string): void {
    const sample = parseSample(line);
    if (!this.sampleNames.includes(sample.name)) throw new Error(`not a sample of ${this.type} ${this.name}: ${line}`);
    const metric = keyOf(sample.labels, this.type === "histogram" ? "le" : undefined);
    const known = this.#metrics.get(metric) ?? [];
    if (known.length > 0 && metric !== this.#lastMetric) throw new Error(`metrics are mixed: ${line}`);
    if (known.some((other) => other.name === sample.name && keyOf(other.labels) === keyOf(sample.labels))) {
      throw new Error(`a series comes twice: ${line}`);
    }
    this.#lastMetric = metric;
    this.#metrics.set(metric, [...known, sample]);
    this.samples.push(sample);
  }

  check(): void {
    if (!this.#metadata.has("TYPE")) throw new Error(`${this.name} has no type`);
    if (this.type === "counter" && this.samples.some(({ value }) => !(value >= 0))) {
      throw new Error(`counter ${this.name} is negative or no number`);
    }
    if (this.type === "histogram") for (const metric of this.#metrics.values()) checkHistogram(this.name, metric);
  }
}

function parseSample(line: string): Sample {
  const [, name, labelText = "", value = ""] = sampleLine.exec(line) ?? [];
  if (name === undefined) throw new Error(`neither metadata nor a sample: ${line}`);
  const labels = new Map<string, string>();
  for (const [, key = "", text = ""] of labelText.matchAll(eachLabel)) {
    if (labels.has(key)) throw new Error(`a label comes twice: ${line}`);
    labels.set(
      key,
      text.replaceAll(/\\(.)/g, (_escape, escaped: string) => (escaped === "n" ? "\n" : escaped)),
    );
  }
  return { name, labels, value: toNumber(value) };
}

function checkHistogram(name: string, samples: readonly Sample[]): void {
  const buckets = samples.filter((sample) => sample.name === `${name}_bucket`);
  const limits = buckets.map(({ labels }) => toNumber(labels.get("le") ?? ""));
  const counts = buckets.map(({ value }) => value);
  const count = samples.find((sample) => sample.name === `${name}_count`)?.value;
  if (!isAscending(limits, true) || !isAscending(counts, false)) throw new Error(`buckets of ${name} do not ascend`);
  if (buckets.at(-1)?.labels.get("le") !== "+Inf") throw new Error(`histogram ${name} has no last bucket`);
  if (!counts.every((value) => Number.isInteger(value) && value >= 0))
    throw new Error(`buckets of ${name} do not count`);
  if (count !== counts.at(-1)) throw new Error(`histogram ${name} does not count what is in its buckets`);
  if (!samples.some((sample) => sample.name === `${name}_sum`)) throw new Error(`histogram ${name} has no sum`);
}

/** No sample could belong to two families. */
function checkClashes(families: Iterable<FamilyReader>): void {
  const owners = new Map<string, string>();
  for (const { name, sampleNames } of families) {
    for (const sampleName of sampleNames) {
      const other = owners.get(sampleName);
      if (other !== undefined) throw new Error(`${name} and ${other} clash in ${sampleName}`);
      owners.set(sampleName, name);
    }
  }
}

function keyOf(labels: ReadonlyMap<string, string>, except?: string): string {
  const parts = [...labels].filter(([name]) => name !== except).map((each) => JSON.stringify(each));
  return parts.toSorted().join();
}

function isAscending(numbers: readonly number[], isStrict: boolean): boolean {
  return numbers.every((value, at) => {
    const before = numbers[at - 1];
    return before === undefined || value > before || (!isStrict && value === before);
  });
}

function toNumber(text: string): number {
  if (/^nan$/i.test(text)) return Number.NaN;
  const [, sign, isInfinite] = /^([+-]?)(inf(?:inity)?)?/i.exec(text) ?? [];
  if (isInfinite !== undefined) return sign === "-" ? -Infinity : Infinity;
  return text === "" ? Number.NaN : Number(text);
}
