import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { metric } from "../helpers/metrics.ts";
import { startServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

const fileBytes = 64 * 1024 * 1024;
const cut = "scalesocket_http_answers_cut_total";
const limitMs = 90_000;

test("an answer that is not read for a minute is given up, and counted", { timeout: 120_000 }, async () => {
  await using folder = await tempFolder();
  writeFileSync(folder.at("large"), Buffer.alloc(fileBytes));
  await using server = await startServer(["--metrics", "--staticdir", folder.path, "cat"]);
  const socket = connect({ host: "127.0.0.1", port: server.port }).pause();
  socket.on("error", () => undefined).write("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const startMs = performance.now();
  while ((await metric(server, cut)) === 0 && performance.now() - startMs < limitMs) await sleep(500);
  expect(await metric(server, cut)).toBe(1);
  const closed = once(socket, "close");
  socket.resume();
  await closed;
  expect(socket.bytesRead).toBeLessThan(fileBytes);
});
