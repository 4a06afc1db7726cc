import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { constants, deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { join, type TestClient } from "../helpers/client.ts";
import { Crowd } from "../helpers/crowd.ts";
import { type HealthTimes, HealthWatch } from "../helpers/health-watch.ts";
import { openFilesOf, peakMemoryMiB } from "../helpers/processes.ts";
import { binary, continuation, frame, RawClient, text } from "../helpers/raw-client.ts";
import { ask } from "../helpers/raw-http.ts";
import { exchange, upgradeRequest } from "../helpers/raw-socket.ts";
import { startServer, type TestServer } from "../helpers/server.ts";
import { type TempFolder, tempFolder } from "../helpers/temp-folder.ts";
import { createSigner, token, unsignedToken } from "../helpers/tokens.ts";
import { until } from "../helpers/until.ts";

const mebibyte = 1024 * 1024;
const leastAttackMs = 2000;
const leastAnswers = 10;
const closedAtOnce = 50;
const signer = createSigner("ES256");
const claims = { aud: "game" };

interface Attack {
  readonly name: string;
  /** What the server is started with to be open to it. */
  readonly options?: (folder: TempFolder) => readonly string[];
  /** What is done to it, for some seconds; what becomes of the attackers is checked, too. */
  readonly run: (server: TestServer) => Promise<void>;
}

/** All connections whose first answer is a refusal get that one, and nobody gets in. */
async function areRefused(server: TestServer, status: number, requests: readonly string[]): Promise<void> {
  const atOnce = 50;
  for (let first = 0; first < requests.length; first += atOnce) {
    const batch = requests.slice(first, first + atOnce);
    const answers = await Promise.all(batch.map(async (bytes) => (await ask(server.port, bytes)).status));
    expect(new Set(answers)).toEqual(new Set([status]));
  }
}

const half = "GET /a HTTP/1.1\r\nHost: localhost\r\n";

/** A page of another origin that says it has come through a proxy which is known. */
function forgedRequest(index: number): string {
  const address = `10.0.0.${index % 256}`;
  return upgradeRequest("/a", {
    Origin: index % 2 === 0 ? "https://evil.example" : "https://example.com.evil.example",
    "X-Forwarded-For": address,
    "X-Forwarded-Host": "example.com",
    Forwarded: `for=${address};host=example.com;proto=https`,
  });
}

const largeRequest = "GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n";

function withLargeFile(folder: TempFolder): string[] {
  mkdirSync(folder.at("public"));
  writeFileSync(folder.at("public/large"), Buffer.alloc(64 * mebibyte));
  return ["--staticdir", folder.at("public")];
}

/** A client that asks for it, once or several times, and does not read. */
function askForLarge({ port }: TestServer, times = 1): Socket {
  const socket = connect({ host: "127.0.0.1", port }).pause();
  socket.on("error", () => undefined).write(largeRequest.repeat(times));
  return socket;
}

const attacks: readonly Attack[] = [
  {
    name: "10,000 handshakes that are never finished",
    async run(server) {
      using crowd = new Crowd(server);
      await crowd.addAll(10_000, 100, (index) => (index % 2 === 0 ? half : ""));
      await until(
        () => crowd.sockets.length - crowd.closed <= 1024,
        () => `${crowd.sockets.length - crowd.closed} of the crowd to be shut out but for 1024`,
      );
    },
  },
  {
    name: "headers that come byte by byte, over 500 connections",
    async run(server) {
      using crowd = new Crowd(server);
      await crowd.addAll(500, 100, () => `${half}A: `);
      for (let count = 0; count < 30; count += 1) {
        for (const socket of crowd.sockets) if (socket.writable) socket.write("x");
        await sleep(100);
      }
    },
  },
  {
    name: "headers of 1 MB",
    async run(server) {
      const giant = `${half}A: ${"x".repeat(mebibyte)}\r\n\r\n`;
      for (let batch = 0; batch < 10; batch += 1) {
        const answers = await Promise.all(Array.from({ length: 20 }, async () => exchange(server.port, giant)));
        // Where the server closes before all was sent, the system may throw away the answer.
        for (const answer of answers) expect(answer).toMatch(/^(?:HTTP\/1\.1 431 [^]*)?$/);
      }
    },
  },
  {
    name: "forged forwarding headers, and pages of other origins",
    options: () => ["--origin", "https://example.com", "--trustproxy", "10.0.0.0/8", "--maxperip", "20"],
    async run(server) {
      await areRefused(
        server,
        403,
        Array.from({ length: 2000 }, (_, index) => forgedRequest(index)),
      );
      // All of them came from here, whatever they said.
      const lines = server.log().split("\n");
      const refused = lines.filter((line) => line.includes("refused with 403"));
      expect(refused.filter((line) => !line.endsWith(" address=127.0.0.1"))).toEqual([]);
      expect(refused.length).toBeLessThan(2000);
      await until(() => /\d+ more refusals were left out/.test(server.log()), "the end of the flood in the log");
    },
  },
  {
    name: "tokens without a signature, of another curve and for another audience",
    options: (folder) => {
      writeFileSync(folder.at("key.pem"), signer.text);
      return ["--auth-jwt-key", folder.at("key.pem"), "--auth-audience", claims.aud];
    },
    async run(server) {
      const signed = await Promise.all([
        token(createSigner("ES384"), claims),
        token(createSigner("ES256"), claims),
        token(signer, { aud: "other" }),
      ]);
      const tokens = [unsignedToken(claims), unsignedToken(claims, "ES256"), ...signed];
      const forged = tokens.map((each) => upgradeRequest("/a", { Authorization: `Bearer ${each}` }));
      await areRefused(server, 401, Array<string[]>(200).fill(forged).flat());
    },
  },
  {
    name: "messages in one-byte fragments without end",
    options: () => ["--messagetimeout", "2"],
    async run(server) {
      const clients = await Promise.all(Array.from({ length: 50 }, async () => joinRaw(server)));
      await Promise.all(clients.map(async (client, index) => drip(client, index)));
      expect(new Set(clients.map(({ closeCode }) => closeCode))).toEqual(new Set([1008]));
    },
  },
  {
    name: "messages of far more fragments than are allowed",
    async run(server) {
      const many = Buffer.concat(Array<Buffer>(20_000).fill(frame(continuation, "x", { isFinal: false })));
      await areClosed(server, 1008, Buffer.concat([frame(text, "x", { isFinal: false }), many]));
    },
  },
  {
    name: "deflate bombs",
    options: () => ["--compress"],
    run: (server) => {
      const zeros = deflateRawSync(Buffer.alloc(64 * mebibyte), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(
        0,
        -4,
      );
      return areClosed(server, 1009, frame(binary, zeros, { reservedBits: 4 }));
    },
  },
  {
    name: "large answers that nobody reads",
    options: withLargeFile,
    async run(server) {
      const sockets = Array.from({ length: 200 }, () => askForLarge(server));
      await sleep(leastAttackMs);
      for (const socket of sockets) socket.destroy();
    },
  },
  {
    name: "requests by the dozen and by the hundred, without waiting for answers",
    options: withLargeFile,
    async run(server) {
      const before = openFilesOf(server.pid);
      const patient = Array.from({ length: 50 }, () => askForLarge(server, 30));
      await Promise.all(patient.map(async (socket) => once(socket, "readable")));
      using greedy = new Crowd(server);
      for (let count = 1; count <= 10; count += 1) {
        await greedy.add(largeRequest.repeat(500));
        await until(() => greedy.closed === count, "whoever asks for so much to be shut out");
      }
      for (const socket of patient) socket.destroy();
      // Others come and go meanwhile.
      const most = before + 20;
      await until(
        () => openFilesOf(server.pid) <= most,
        () => `at most ${most} open files, there are ${openFilesOf(server.pid)}`,
      );
    },
  },
];

async function joinRaw(server: TestServer): Promise<RawClient> {
  const client = new RawClient(server);
  await client.join("/a", { "Sec-WebSocket-Extensions": "permessage-deflate" });
  return client;
}

/** A client that goes on with a message, one byte after the other, for as long as it is listened to. */
async function drip(client: RawClient, index: number): Promise<void> {
  await client.send(frame(text, "x", { isFinal: false }));
  while (client.closeCode === undefined && !client.socket.destroyed) {
    await client.send(frame(continuation, "x", { isFinal: false }));
    await sleep(10 + (index % 10));
  }
  await client[Symbol.asyncDispose]();
}

/** Whoever sends this is closed with this code, be they many. */
async function areClosed(server: TestServer, code: number, bytes: Buffer): Promise<void> {
  for (let wave = 0; wave < 5; wave += 1) {
    const clients = await Promise.all(Array.from({ length: closedAtOnce }, async () => joinRaw(server)));
    await Promise.all(
      clients.map(async (client) => {
        await client.send(bytes);
        await client.ended;
      }),
    );
    expect(new Set(clients.map(({ closeCode }) => closeCode))).toEqual(new Set([code]));
  }
}

/** Does it again and again, so that there is something to measure. */
async function goOn(attack: () => Promise<void>, watch: HealthWatch): Promise<void> {
  const startMs = performance.now();
  while (performance.now() - startMs < leastAttackMs || watch.count < leastAnswers) await attack();
}

/** A well-behaved client that talks to itself in a room of its own until it is stopped. */
async function talk(client: TestClient, signal: AbortSignal): Promise<void> {
  for (let said = 1; !signal.aborted; said += 1) {
    client.send(String(said));
    await client.messages(said);
    await sleep(10);
  }
  expect(client.received).toEqual(client.received.map((_, index) => String(index + 1)));
  expect(client.received.length).toBeGreaterThan(3);
}

const healthLimitMs = 100;

/**
 * The one bound in time that these tests have, since it is what is promised: `/health` answers within 100 ms. Tests share a
 * machine that now and then stands still by itself, so the worst answer says nothing, and no time counts in which others had the
 * cores. A server without any attack is asked in the same seconds: of the slowest twentieth, what that one needs is what the
 * machine costs.
 */
function expectHealth(attacked: HealthTimes, idle: HealthTimes): void {
  expect(attacked.failures).toEqual([]);
  expect(attacked.medianMs).toBeLessThan(healthLimitMs);
  expect(attacked.p95Ms).toBeLessThan(healthLimitMs + idle.p95Ms);
}

function describeTimes({ medianMs, p95Ms, worstMs, count }: HealthTimes): string {
  return `median ${medianMs} ms, 95 % within ${p95Ms} ms, all ${count} within ${worstMs} ms`;
}

describe.each([["0"], ["auto"]])("with --workers %s", (workers) => {
  test.for(attacks)("$name: others are heard, memory is bounded, and /health answers", async (attack, { annotate }) => {
    await using folder = await tempFolder();
    const options = attack.options?.(folder) ?? [];
    await using idle = await startServer(["--workers", workers, ...options, "cat"]);
    await using server = await startServer(["--workers", workers, ...options, "cat"]);
    const shown = { headers: { Authorization: `Bearer ${await token(signer, claims)}` } };
    await using other = await join(server, "untouched", shown);
    const over = new AbortController();
    await using watch = new HealthWatch(server, idle);
    const attacking = goOn(async () => attack.run(server), watch).finally(() => over.abort());
    await Promise.all([attacking, talk(other, over.signal)]);
    const [attackedTimes, idleTimes] = (await watch.end()) as [HealthTimes, HealthTimes];
    await annotate(`attacked: ${describeTimes(attackedTimes)}; idle: ${describeTimes(idleTimes)}`);
    expectHealth(attackedTimes, idleTimes);
    expect(peakMemoryMiB(server.pid)).toBeLessThan(250);
    await using after = await join(server, "later", shown);
    after.send("hello");
    expect(await after.messages(1)).toEqual(["hello"]);
  });
});
