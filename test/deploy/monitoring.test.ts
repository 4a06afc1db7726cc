import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, inject, test } from "vitest";
import { parse } from "yaml";
import { makeCertificate } from "../helpers/certificates.ts";
import { join } from "../helpers/client.ts";
import { parseOpenMetrics } from "../helpers/open-metrics.ts";
import { operatorsOf } from "../helpers/operators.ts";
import { startServer } from "../helpers/server.ts";
import { shipped } from "../helpers/shipped.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { namesIn } from "./promql.ts";

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly refId: string }[];
}

interface Dashboard {
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
}

interface AlertCase {
  readonly alertname: string;
  readonly exp_alerts: readonly object[];
}

const { promtool } = inject("tools");
const isMissing = promtool === undefined;
/** Labels that Prometheus itself adds. */
const scrapeLabels = ["job", "instance"];
const dashboardFile = "deploy/grafana/scalesocket.json";
const alertsFile = "deploy/prometheus/alerts.yml";

test.skipIf(isMissing).each([
  ["check", "config", "deploy/prometheus/prometheus.yml"],
  ["check", "rules", "--lint=all", "--lint-fatal", alertsFile],
  // Each alert fires where it should, and its nearest neighbour does not.
  ["test", "rules", "test/deploy/alerts.yml"],
])("promtool %s %s %s", async (...words) => {
  const cwd = fileURLToPath(new URL("../../", import.meta.url));
  await promisify(execFile)(promtool as string, words, { cwd });
});

test("each alert has a test in which it fires", async () => {
  const { tests } = parse(await shipped("test/deploy/alerts.yml")) as { tests: { alert_rule_test: AlertCase[] }[] };
  const cases = tests.flatMap((each) => each.alert_rule_test);
  const fired = cases.filter((each) => each.exp_alerts.length > 0).map(({ alertname }) => alertname);
  expect(new Set(fired)).toEqual(new Set((await rules()).map(({ alert }) => alert)));
});

test("each alert is explained in docs/operations.md", async () => {
  const page = await shipped("docs/operations.md");
  const missing = (await rules()).filter(({ alert }) => !page.includes(`\`${alert}\``));
  expect(missing).toEqual([]);
});

// Those of processes are there on Linux only.
test.skipIf(process.platform !== "linux")("every metric and label that a query names is there", async () => {
  await using server = await startServer(["--metrics", "--workers", "1", "cat"]);
  await using client = await join(server, "room");
  expect(client.socket.readyState).toBe(client.socket.OPEN);
  // With TLS there are no workers, and without it no certificate.
  await using folder = await tempFolder();
  const { cert, key } = await makeCertificate(folder, "server");
  await using secure = await startServer([
    "--metrics",
    "--adminaddr",
    "127.0.0.1:0",
    "--tlscert",
    cert,
    "--tlskey",
    key,
    "cat",
  ]);
  const pages = [
    await (await server.http("/metrics")).text(),
    await (await operatorsOf(secure).http("/metrics")).text(),
  ];
  const samples = pages.flatMap((page) => [...parseOpenMetrics(page).values()].flatMap((family) => family.samples));
  const metrics = new Set(["up", ...samples.map(({ name }) => name)]);
  const labels = new Set([...scrapeLabels, ...samples.flatMap((sample) => Array.from(sample.labels.keys()))]);
  const queries = [...(await rules()).map(({ expr }) => expr), ...queriesOf(await dashboard())];
  expect(queries.length).toBeGreaterThan(40);
  for (const query of queries) {
    const names = namesIn(query);
    expect(names.metrics.size, query).toBeGreaterThan(0);
    expect(
      [...names.metrics].filter((name) => !metrics.has(name)),
      query,
    ).toEqual([]);
    expect(
      [...names.labels].filter((name) => !labels.has(name)),
      query,
    ).toEqual([]);
  }
});

test("every metric of our own is on the dashboard", async () => {
  const shown = new Set(queriesOf(await dashboard()).flatMap((query) => Array.from(namesIn(query).metrics)));
  const table = await shipped("docs/metrics.md");
  const all = [...table.matchAll(/^\| `(scalesocket_\w+)` \| (\w+) /gm)].map(([, name = "", type]) =>
    type === "histogram" ? `${name}_bucket` : name,
  );
  expect(all.filter((name) => !shown.has(name) && !leftOut.has(name))).toEqual([]);
});

/** What says nothing that another panel does not say. */
const leftOut = new Set(["scalesocket_websocket_connections_total"]);

test("the panels of the dashboard do not overlap, and each has a number of its own", async () => {
  const { panels } = await dashboard();
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  const taken = new Map<string, string>();
  for (const { title, gridPos } of panels) {
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        expect(taken.get(`${x},${y}`), title).toBeUndefined();
        taken.set(`${x},${y}`, title);
      }
    }
  }
});

test("each query of a panel has a letter of its own, and every panel but a heading has one", async () => {
  for (const { type, title, targets = [] } of (await dashboard()).panels) {
    expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length);
    expect(targets.length > 0, title).toBe(type !== "row");
  }
});

async function rules(): Promise<Rule[]> {
  const { groups } = parse(await shipped(alertsFile)) as { groups: { rules: Rule[] }[] };
  return groups.flatMap((group) => group.rules);
}

async function dashboard(): Promise<Dashboard> {
  return JSON.parse(await shipped(dashboardFile)) as Dashboard;
}

function queriesOf({ panels, templating, annotations }: Dashboard): string[] {
  const ofPanels = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  const definitions = templating.list.flatMap(({ definition }) => (definition === undefined ? [] : [definition]));
  // label_values(metric, label) of Grafana
  const ofVariables = definitions.map((each) => each.replace(/^label_values\((.*), (\w+)\)$/, "sum by ($2) ($1)"));
  return [...ofPanels, ...ofVariables, ...annotations.list.map(({ expr }) => expr)];
}
