import { writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { join, type TestClient } from "../helpers/client.ts";
import { metric } from "../helpers/metrics.ts";
import { binary, continuation, frame, ping, RawClient, text } from "../helpers/raw-client.ts";
import { sh } from "../helpers/programs.ts";
import { startServer, type TestServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";

const pauses = "scalesocket_rate_pauses_total";
const closed = "scalesocket_fast_clients_closed_total";

function sendNumbered(client: TestClient, count: number, first = 0): string[] {
  const sent = Array.from({ length: count }, (_each, index) => String(first + index));
  for (const message of sent) client.send(message);
  return sent;
}

/** Sends until the connection is gone, as fast as it is taken. */
async function flood(client: RawClient, bytes: Buffer): Promise<void> {
  while (!client.socket.destroyed && client.closeCode === undefined) await client.send(bytes);
}

describe.concurrent.for([
  ["in workers", []],
  ["in one process", ["--workers", "0"]],
] as const)("a client that sends more than it may, %s", ([, words]) => {
  const start = (...more: string[]): Promise<TestServer> => startServer(["--metrics", ...words, ...more, "cat"]);

  test("is read more slowly, and loses nothing", async () => {
    await using server = await start("--msgrate", "200", "--burst", "0.1");
    await using client = await join(server, "a");
    // In rounds, so that the server cannot read all of them at once.
    const sent: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      sent.push(...sendNumbered(client, 50, sent.length));
      await client.messages(sent.length);
    }
    expect(client.received).toEqual(sent);
    expect(await metric(server, pauses)).toBeGreaterThan(0);
    expect(await metric(server, closed)).toBe(0);
  });

  test("is not slowed where it sends just as much as it may", async () => {
    await using server = await start("--msgrate", "20", "--byterate", "1K", "--burst", "5");
    await using client = await join(server, "a");
    const sent = sendNumbered(client, 100);
    expect(await client.messages(100)).toEqual(sent);
    expect(await metric(server, pauses)).toBe(0);
  });

  test("is closed with 1008 when it goes on, and the others notice nothing", async () => {
    await using server = await start("--msgrate", "50", "--burst", "0.1", "--rategrace", "1");
    await using other = await join(server, "b");
    await using client = new RawClient(server);
    await client.join("/a");
    await flood(client, Buffer.concat(Array.from({ length: 100 }, () => frame(text, "spam"))));
    await client.ended;
    expect(client.closeCode).toBe(1008);
    expect(client.closeReason).toBe("client sends more than it may");
    expect(await metric(server, closed)).toBe(1);
    const sent = sendNumbered(other, 5);
    expect(await other.messages(5)).toEqual(sent);
  });

  test("is closed likewise for bytes", async () => {
    await using server = await start("--byterate", "10K", "--rategrace", "0.5");
    await using client = await join(server, "a");
    client.send("x".repeat(50 * 1024));
    await client.messages(1);
    expect(await metric(server, pauses)).toBe(0);
    client.send("x".repeat(50 * 1024));
    expect(await client.closed).toEqual({ code: 1008, reason: "client sends more than it may" });
  });

  test("cannot use pings in place of messages", async () => {
    await using server = await start("--msgrate", "50", "--burst", "0.1", "--rategrace", "0.5");
    await using client = new RawClient(server);
    await client.join("/a");
    await flood(client, Buffer.concat(Array.from({ length: 100 }, () => frame(ping, "spam"))));
    await client.ended;
    expect(client.closeCode).toBe(1008);
  });
});

test("a client that waits for its rate and for its room waits for both, and loses nothing", async () => {
  await using folder = await tempFolder();
  const script = `while [ ! -e "$1" ]; do sleep 0.05; done; grep --line-buffered -o '^.\\{10\\}'`;
  const words = ["--metrics", "--byterate", "4M", "--burst", "0.5", "--rategrace", "60"];
  await using server = await startServer([...words, ...sh(script, folder.at("go"))]);
  await using client = await join(server, "a");
  const sent = Array.from({ length: 200 }, (_each, index) => `${index}`.padEnd(10, "-"));
  for (const start of sent) client.send(start.padEnd(64 * 1024 - 1, "x"));
  await until(async () => (await metric(server, "scalesocket_input_pauses_total")) > 0, "the room to be full");
  await writeFile(folder.at("go"), "");
  expect(await client.messages(200)).toEqual(sent);
  expect(await metric(server, pauses)).toBeGreaterThan(0);
});

function startWithTimeout(seconds: string): Promise<TestServer> {
  return startServer(["--messagetimeout", seconds, "--pinginterval", "60", "cat"]);
}

describe.concurrent("a message that is not finished in time", () => {
  test.for([
    ["in one-byte fragments", frame(text, "x", { isFinal: false }), frame(continuation, "x", { isFinal: false })],
    ["in one frame, byte by byte", frame(text, "", { length: 10_000n }), Buffer.of(0x78)],
    ["in one long frame, byte by byte", frame(binary, "", { length: 100_000n }), Buffer.of(0x78)],
    ["of which nothing comes but half a header", frame(text, "hello").subarray(0, 1), Buffer.of()],
  ] as const)("%s, ends the connection with 1008", async ([, beginning, piece]) => {
    await using server = await startWithTimeout("0.5");
    await using other = await join(server, "a");
    await using client = new RawClient(server);
    await client.join("/a");
    await client.send(beginning);
    await until(async () => {
      if (client.closeCode === undefined) await client.send(piece);
      return client.closeCode !== undefined;
    }, "the close");
    expect(client.closeCode).toBe(1008);
    expect(client.closeReason).toBe("message takes too long");
    await client.ended;
    other.send("still here");
    expect(await other.messages(1)).toEqual(["still here"]);
  });

  test("is another one than one that is finished just before", async () => {
    await using server = await startWithTimeout("30");
    await using client = new RawClient(server);
    await client.join("/a");
    await client.send(frame(text, "x", { isFinal: false }));
    for (let count = 0; count < 100; count += 1) await client.send(frame(continuation, "x", { isFinal: false }));
    await client.send(frame(continuation, "!"));
    expect(await client.messages(1)).toEqual([`${"x".repeat(101)}!`]);
  });
});
