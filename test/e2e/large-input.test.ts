import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { join, type TestClient } from "../helpers/client.ts";
import { metric } from "../helpers/metrics.ts";
import { peakMemoryMiB } from "../helpers/processes.ts";
import { sh } from "../helpers/programs.ts";
import { startServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";

// By itself, since it keeps the process that runs it from all else for a while.

const kibibyte = 1024;

test("a process that does not read makes its 100 clients wait with 300 MB, in little memory, and gets every message once it reads", async () => {
  await using folder = await tempFolder();
  const perClient = 48;
  const clientCount = 100;
  const messageBytes = 64 * kibibyte;
  const bytes = clientCount * perClient * messageBytes;
  const script = `while [ ! -e "$1" ]; do sleep 0.05; done; head -c ${bytes} | cut -c 1-20; sleep 100`;
  await using server = await startServer(["--metrics", ...sh(script, folder.at("go"))]);
  const all = await Promise.all(Array.from({ length: clientCount }, async () => join(server, "a")));
  const starts = (client: number): string[] =>
    Array.from({ length: perClient }, (_each, index) => `${client}:${index}:`.padEnd(20, "-"));
  const sent = all.map(async (client, number) => sendInTurn(client, starts(number), messageBytes - 1));
  await until(async () => (await metric(server, "scalesocket_input_pauses_total")) === 1, "clients to be paused");
  expect(await metric(server, "scalesocket_received_bytes_total")).toBeLessThan(bytes / 4);
  await writeFile(folder.at("go"), "");
  await Promise.all(sent);
  const lines = await (all[0] as TestClient).messages(clientCount * perClient);
  for (const number of all.keys()) {
    expect(lines.filter((line) => String(line).startsWith(`${number}:`))).toEqual(starts(number));
  }
  await Promise.all(all.map(async (client) => client[Symbol.asyncDispose]()));
  expect(peakMemoryMiB(server.pid)).toBeLessThan(150);
});

/** Sends messages that begin so, each when the one before has gone out, so that none waits here. */
async function sendInTurn(client: TestClient, starts: readonly string[], length: number): Promise<void> {
  for (const start of starts) {
    await new Promise((resolve) => {
      client.socket.send(start.padEnd(length, "x"), resolve);
    });
  }
}
