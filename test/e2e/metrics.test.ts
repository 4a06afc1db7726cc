import { PerformanceObserver } from "node:perf_hooks";
import { expect, test, vi } from "vitest";
import { join } from "../helpers/client.ts";
import { get } from "../helpers/get.ts";
import { createServer } from "../helpers/hosts.ts";
import { families, series, valuesOf } from "../helpers/metrics.ts";
import { parseOpenMetrics } from "../helpers/open-metrics.ts";
import { sh } from "../helpers/programs.ts";
import { startServer } from "../helpers/server.ts";
import { until } from "../helpers/until.ts";

/** All characters besides letters and digits that the name of a room may have. */
const oddName = "-._~!$&()*+,;=:@";

test("/metrics is OpenMetrics text with our own metrics and those of Node", async () => {
  await using server = await startServer(["--metrics", "cat"]);
  const before = await get(server, "/metrics");
  await using client = await join(server, "room");
  client.send("hello");
  await client.messages(1);
  const after = await get(server, "/metrics");

  expect(before).toMatchObject({
    status: 200,
    type: "application/openmetrics-text; version=1.0.0; charset=utf-8",
    body: expect.stringMatching(/\n# EOF\n$/),
  });
  const types = new Map([...parseOpenMetrics(before.body)].map(([name, { type }]) => [name, type]));
  expect([...parseOpenMetrics(after.body).keys()].filter((name) => !types.has(name))).toEqual([]);
  for (const [name, type] of [
    ["scalesocket_websocket_connections", "counter"],
    ["scalesocket_websocket_connections_open", "gauge"],
    ["scalesocket_messages_received", "counter"],
    ["scalesocket_received_bytes", "counter"],
    ["scalesocket_messages_sent", "counter"],
    ["scalesocket_sent_bytes", "counter"],
    ["scalesocket_messages_dropped", "counter"],
    ["scalesocket_processes_started", "counter"],
    ["scalesocket_processes_ended", "counter"],
    ["scalesocket_output_pauses", "counter"],
    ["scalesocket_input_pauses", "counter"],
    ["scalesocket_slow_clients_closed", "counter"],
    ["scalesocket_process_spawn_seconds", "histogram"],
    ["process_cpu_seconds", "counter"],
    ["process_resident_memory_bytes", "gauge"],
    ["nodejs_eventloop_lag_seconds", "gauge"],
    ["nodejs_heap_size_used_bytes", "gauge"],
  ]) {
    expect([name, types.get(name ?? "")]).toEqual([name, type]);
  }
});

test("servers in one process all tell of that process, which is watched once for them", async () => {
  const observe = vi.spyOn(PerformanceObserver.prototype, "observe");
  const pages: string[] = [];
  for (const name of ["first", "second"]) {
    const addresses = [{ host: "127.0.0.1", port: 0 }];
    const server = createServer({ command: "cat", addresses, basePath: `/${name}`, metrics: true });
    const [address] = await server.start();
    for (let scrape = 0; scrape < 2; scrape += 1) {
      pages.push(await (await fetch(`http://${address?.name}/${name}/metrics`)).text());
    }
    await server.stop();
  }
  const all = pages.map((page) => [...parseOpenMetrics(page)].map(([name, { type }]) => `${name} ${type}`));
  expect(all[0]).toContain("nodejs_gc_duration_seconds histogram");
  expect(all).toEqual(all.map(() => all[0]));
  expect(observe.mock.calls).toEqual([[{ entryTypes: ["gc"] }]]);
});

test("without TLS there is no time when a certificate is over", async () => {
  await using server = await startServer(["--metrics", "cat"]);
  const page = await families(server);
  expect(page.get("scalesocket_tls_certificate_not_after_timestamp_seconds")?.samples).toEqual([]);
  expect(page.get("scalesocket_workers")?.samples).toHaveLength(1);
});

test("metrics count what happens", async () => {
  await using server = await startServer(["--metrics", ...sh("read line; echo 12345; exit 3")]);
  await using client = await join(server, "room");
  client.send("abc");
  await client.closed;
  await until(
    async () => (await series(server, "scalesocket_websocket_connections_open")).size === 0,
    "the room to end",
  );
  const page = await families(server);

  const value = (family: string, labels = "{}"): number | undefined => valuesOf(page.get(family)).get(labels);
  expect(value("scalesocket_messages_received")).toBe(1);
  expect(value("scalesocket_received_bytes")).toBe(3);
  expect(value("scalesocket_messages_sent")).toBe(1);
  expect(value("scalesocket_sent_bytes")).toBe(7);
  expect(value("scalesocket_processes_started")).toBe(1);
  expect(value("scalesocket_processes_ended", '{"outcome":"failure"}')).toBe(1);
  expect(value("scalesocket_processes_ended", '{"outcome":"success"}')).toBe(0);
  const spawned = page.get("scalesocket_process_spawn_seconds")?.samples.find(({ name }) => name.endsWith("_count"));
  expect(spawned?.value).toBe(1);
});

test("the series of a room carry its name, however odd, and end with the room", async () => {
  await using server = await startServer(["--metrics", "cat"]);
  await using first = await join(server, "__proto__");
  await using second = await join(server, "__proto__");
  await using third = await join(server, oddName);
  await using fourth = await join(server, oddName);
  const open = "scalesocket_websocket_connections_open";
  const joined = "scalesocket_websocket_connections";
  const [proto, odd] = ["__proto__", oddName].map((room) => JSON.stringify({ ["room"]: room })) as [string, string];

  expect(await series(server, open)).toEqual(
    new Map([
      [proto, 2],
      [odd, 2],
    ]),
  );
  first.socket.terminate();
  await until(async () => (await series(server, open)).get(proto) === 1, "the client to leave");
  expect(await series(server, joined)).toEqual(
    new Map([
      [proto, 2],
      [odd, 2],
    ]),
  );
  third.socket.terminate();
  fourth.socket.terminate();
  await until(async () => (await series(server, open)).size === 1, "the room to end");
  expect(await series(server, open)).toEqual(new Map([[proto, 1]]));
  expect(await series(server, joined)).toEqual(new Map([[proto, 2]]));
  second.socket.terminate();
  await until(async () => (await series(server, joined)).size === 0, "the other room to end");
});
