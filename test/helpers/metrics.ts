import { type MetricFamily, parseOpenMetrics } from "./open-metrics.ts";
import type { TestServer } from "./server.ts";

/** The value of one series of a server with `--metrics`, such as `scalesocket_output_pauses_total`. */
export async function metric(server: Pick<TestServer, "http">, name: string): Promise<number> {
  const response = await server.http("/metrics");
  const page = await response.text();
  const line = page.split("\n").find((each) => each.startsWith(`${name} `));
  if (line === undefined) throw new Error(`no series ${name} in:\n${page}`);
  return Number(line.slice(name.length + 1).split(" ")[0]);
}

/** How many messages were dropped for this reason. */
export async function dropped(server: Pick<TestServer, "http">, reason: string): Promise<number> {
  return metric(server, `scalesocket_messages_dropped_total{reason="${reason}"}`);
}

/** All families of a server with `--metrics`, by their names. */
export async function families(server: Pick<TestServer, "http">): Promise<Map<string, MetricFamily>> {
  const response = await server.http("/metrics");
  return parseOpenMetrics(await response.text());
}

/** The values of a family by their labels as JSON. */
export async function series(server: Pick<TestServer, "http">, family: string): Promise<Map<string, number>> {
  return valuesOf((await families(server)).get(family));
}

/** The same of a family that was read before. */
export function valuesOf(family: MetricFamily | undefined): Map<string, number> {
  if (family === undefined) throw new Error("no such family");
  return new Map(family.samples.map(({ labels, value }) => [JSON.stringify(Object.fromEntries(labels)), value]));
}
