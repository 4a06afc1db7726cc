import type { TestServer } from "./server.ts";

/** The value of one series of a server with `--metrics`, such as `scalesocket_output_pauses_total`. */
export async function metric(server: Pick<TestServer, "http">, series: string): Promise<number> {
  const response = await server.http("/metrics");
  const page = await response.text();
  const line = page.split("\n").find((each) => each.startsWith(`${series} `));
  if (line === undefined) throw new Error(`no series ${series} in:\n${page}`);
  return Number(line.slice(series.length + 1).split(" ")[0]);
}

/** How many messages were dropped for this reason. */
export async function dropped(server: Pick<TestServer, "http">, reason: string): Promise<number> {
  return metric(server, `scalesocket_messages_dropped_total{reason="${reason}"}`);
}
