import { randomBytes } from "node:crypto";
import { constants, deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { ClientOptions } from "ws";
import { join } from "../helpers/client.ts";
import { metric } from "../helpers/metrics.ts";
import { peakMemoryMiB } from "../helpers/processes.ts";
import { sh } from "../helpers/programs.ts";
import { binary, closeFrame, continuation, frame, ping, RawClient, text } from "../helpers/raw-client.ts";
import { ask } from "../helpers/raw-http.ts";
import { upgradeRequest } from "../helpers/raw-socket.ts";
import { startServer, type TestServer } from "../helpers/server.ts";
import { until } from "../helpers/until.ts";

const mebibyte = 1024 * 1024;
const compressed = 4;
const agreed = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
/** A client that compresses whatever it says. */
const compressing: ClientOptions = { perMessageDeflate: { threshold: 0 } };
const plain: ClientOptions = { perMessageDeflate: false };

/** A message that is worth to be compressed. */
function long(content: string): string {
  return `${content} `.repeat(100);
}

function offer(extensions: string): Record<string, string> {
  return { "Sec-WebSocket-Extensions": extensions };
}

/** The extension that the server answers to an offer; undefined where there is none. */
async function answerTo(server: TestServer, extensions: string): Promise<string | undefined> {
  const { status, headers } = await ask(server.port, upgradeRequest("/a", offer(extensions)));
  expect(status).toBe(101);
  return headers.get("sec-websocket-extensions");
}

async function joinRaw(server: TestServer, extensions = "permessage-deflate"): Promise<RawClient> {
  const client = new RawClient(server);
  await client.join("/a", offer(extensions));
  return client;
}

/** A message of a client as it is sent compressed. */
function deflated(content: Buffer | string): Buffer {
  return deflateRawSync(content, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

function compressedFrame(content: Buffer | string, opcode = text): Buffer {
  return frame(opcode, deflated(content), { reservedBits: compressed });
}

describe.concurrent("an offer to compress", () => {
  test("is declined where --compress is not given, be it a list or not", async () => {
    await using server = await startServer(["cat"]);
    await using client = await join(server, "a", compressing);
    expect(client.socket.extensions).toBe("");
    client.send(long("hello"));
    expect(await client.messages(1)).toEqual([long("hello")]);
    expect(await answerTo(server, "permessage-deflate;;")).toBe(undefined);
  });

  test("is accepted, declined or refused as RFC 7692 says", async () => {
    await using server = await startServer(["--compress", "cat"]);
    expect(await answerTo(server, "permessage-deflate; client_max_window_bits")).toBe(agreed);
    expect(await answerTo(server, "permessage-deflate; server_max_window_bits=10")).toBe(undefined);
    expect(await answerTo(server, "permessage-deflate; server_max_window_bits=10, permessage-deflate")).toBe(agreed);
    expect(await answerTo(server, "permessage-deflate; unknown")).toBe(undefined);
    const { status, body } = await ask(server.port, upgradeRequest("/a", offer("permessage-deflate;;")));
    expect([status, body]).toEqual([
      400,
      "Sec-WebSocket-Extensions must be a list of extensions with their parameters\n",
    ]);
  });

  test("that was declined makes a compressed message break the protocol", async () => {
    await using server = await startServer(["--compress", "cat"]);
    await using client = await joinRaw(server, "permessage-deflate; unknown");
    await client.send(compressedFrame("hello"));
    await client.ended;
    expect(client.closeCode).toBe(1002);
  });
});

describe.concurrent.for([
  ["in workers", []],
  ["in one process", ["--workers", "0"]],
] as const)("with --compress, %s", ([, words]) => {
  const start = (...more: string[]): Promise<TestServer> => startServer(["--compress", ...words, ...more]);

  test("a long message for everyone is compressed for who reads it so, and for nobody else", async () => {
    await using server = await start("cat");
    await using first = await joinRaw(server);
    await using second = await joinRaw(server);
    await using other = await join(server, "a", plain);
    other.send(long("hello"));
    other.send("short");
    expect(await other.messages(2)).toEqual([long("hello"), "short"]);
    for (const client of [first, second]) {
      const [, short] = await client.messages(2);
      const [{ isCompressed, payload } = { isCompressed: false, payload: Buffer.of() }] = client.frames;
      expect(isCompressed).toBe(true);
      expect(payload.length).toBeLessThan(50);
      expect(short).toBe("short");
      expect(client.frames[1]?.isCompressed).toBe(false);
    }
  });

  test("what clients compress arrives, whole, in fragments, long and short, among plain messages", async () => {
    await using server = await start("cat");
    await using client = await join(server, "a", compressing);
    const sent = ["", "x", long("hello"), "y".repeat(300_000), "ünïcödé 😀", "z"];
    for (const message of sent) client.send(message);
    for (const [index, part] of ["three ", "frag", "ments"].entries()) client.socket.send(part, { fin: index === 2 });
    client.socket.send("plain", { compress: false });
    client.socket.send("last");
    expect(await client.messages(sent.length + 3)).toEqual([...sent, "three fragments", "plain", "last"]);
    client.socket.close(1000);
    expect(await client.closed).toMatchObject({ code: 1000 });
  });

  test("private messages, exceptions, history and closes keep their order for everyone", async () => {
    const frames = ["--clientframe", "lines", "--serverframe", "json", "--cache", "500"];
    await using server = await start(...frames, ...sh(`while read -r go; do [ "$go" = go ] && cat; done`));
    await using speaker = await join(server, "a", plain);
    const clients = [speaker, await join(server, "a", compressing), await join(server, "a", plain)];
    await using third = await join(server, "a", compressing);
    clients.push(third);
    speaker.send("go");
    const lines = Array.from({ length: 400 }, (_each, index) => lineOf(index));
    for (const { line } of lines) speaker.send(line);
    for (const [index, client] of clients.entries()) {
      const its = lines.filter(({ isFor }) => isFor(index + 1)).map(({ line }) => line);
      expect(await client.messages(its.length)).toEqual(its);
    }
    await using late = await join(server, "a", compressing);
    const forAll = lines.filter(({ isKept }) => isKept).map(({ line }) => line);
    expect(await late.messages(forAll.length)).toEqual(forAll);
    speaker.send(`{"text":"${long("before")}"}`);
    speaker.send(`{"_close":4001,"id":4}`);
    speaker.send(`{"text":"${long("after")}"}`);
    expect(await third.closed).toMatchObject({ code: 4001 });
    expect(third.received.at(-1)).toContain("before");
    expect((await late.messages(forAll.length + 2)).at(-1)).toContain("after");
    for (const client of clients) client.socket.terminate();
  });
});

/** Lines of a program for everyone, for one of four clients, and for all but one, short and long. */
function lineOf(index: number): { line: string; isFor: (id: number) => boolean; isKept: boolean } {
  const content = index % 3 === 0 ? String(index) : long(`message ${index}`);
  const id = (index % 4) + 1;
  if (index % 5 === 1) return { line: `{"id":${id},"text":"${content}"}`, isFor: (to) => to === id, isKept: false };
  if (index % 5 === 3)
    return { line: `{"_except":${id},"text":"${content}"}`, isFor: (to) => to !== id, isKept: false };
  return { line: `{"text":"${content}"}`, isFor: () => true, isKept: true };
}

function startAlone(...words: string[]): Promise<TestServer> {
  return startServer(["--compress", "--workers", "0", "--metrics", ...words]);
}

describe.concurrent.each([100, 100_000])("where a message may have %i bytes", (maxBytes) => {
  test.each<[how: string, framesOf: (content: Buffer) => Buffer]>([
    ["plain", (content) => frame(binary, content)],
    ["plain and in fragments", (content) => inTwo(content, 0)],
    ["compressed", (content) => compressedFrame(content, binary)],
    ["compressed and in fragments", (content) => inTwo(deflated(content), compressed)],
  ])("one of as many passes, and one more is closed with 1009: %s", async (_how, framesOf) => {
    const script = `head -c ${maxBytes} | wc -c; cat`;
    await using server = await startAlone("--maxmessage", String(maxBytes), "--binary", ...sh(script));
    await using client = await joinRaw(server);
    await client.send(framesOf(randomBytes(maxBytes)));
    await until(() => client.frames.length === 1, "the size");
    expect(String(client.frames[0]?.payload)).toBe(`${maxBytes}\n`);
    await client.send(framesOf(randomBytes(maxBytes + 1)), frame(binary, "!"));
    await client.ended;
    expect(client.closeCode).toBe(1009);
    expect(client.closeReason).toBe(`message is larger than ${maxBytes} bytes`);
    expect(client.frames).toHaveLength(2);
  });
});

function inTwo(content: Buffer, reservedBits: number): Buffer {
  const middle = content.length >> 1;
  const beginning = frame(binary, content.subarray(0, middle), { reservedBits, isFinal: false });
  return Buffer.concat([beginning, frame(continuation, content.subarray(middle))]);
}

describe.concurrent("a deflate bomb", () => {
  test.each([
    ["in one frame", [compressedFrame(Buffer.alloc(64 * mebibyte), binary)]],
    [
      "in fragments",
      [
        frame(binary, deflated(Buffer.alloc(16 * mebibyte)), { reservedBits: compressed, isFinal: false }),
        frame(ping, "x"),
        frame(continuation, ""),
      ],
    ],
    ["of one byte too many", [compressedFrame(Buffer.alloc(mebibyte + 1), binary)]],
  ])("%s is closed with 1009, and the others are unharmed", async (_how, bytes) => {
    await using server = await startAlone("--binary", "cat");
    await using other = await join(server, "b", compressing);
    await using client = await joinRaw(server);
    await client.send(...bytes, frame(text, "too late"));
    await client.ended;
    expect(client.closeCode).toBe(1009);
    other.send("still here");
    expect(await other.messages(1)).toEqual([Buffer.from("still here")]);
    expect(peakMemoryMiB(server.pid)).toBeLessThan(150);
  });

  test("of just the largest size is a message like any other", async () => {
    await using server = await startAlone(...sh("head -c 1048576 | wc -c"));
    await using client = await joinRaw(server);
    await client.send(compressedFrame(Buffer.alloc(mebibyte), binary));
    expect(await client.messages(1)).toEqual(["1048576"]);
  });

  test("that is many messages waits for a process that does not read, in little memory", async () => {
    await using server = await startAlone(...sh(`read -r _; sleep 1000`));
    await using other = await join(server, "b");
    const bombs = Buffer.concat(Array<Buffer>(200).fill(compressedFrame(Buffer.alloc(mebibyte), binary)));
    const clients: RawClient[] = [];
    for (let count = 0; count < 10; count += 1) clients.push(await joinRaw(server));
    await Promise.all(clients.map(async (client) => client.send(bombs)));
    await until(async () => (await metric(server, "scalesocket_input_pauses_total")) > 0, "the clients to be paused");
    other.send("hello");
    const health = await server.http("/health");
    expect(health.status).toBe(200);
    expect(await metric(server, "scalesocket_messages_received_total")).toBeLessThan(30);
    expect(peakMemoryMiB(server.pid)).toBeLessThan(250);
    await Promise.all(clients.map(async (client) => client[Symbol.asyncDispose]()));
  });

  test("that is garbage is closed with 1007", async () => {
    await using server = await startAlone("cat");
    await using other = await join(server, "a");
    await using client = await joinRaw(server);
    await client.send(frame(text, Buffer.alloc(100, 0xff), { reservedBits: compressed }));
    await client.ended;
    expect(client.closeCode).toBe(1007);
    expect(client.closeReason).toMatch(/^cannot decompress the message: ./);
    other.send("still here");
    expect(await other.messages(1)).toEqual(["still here"]);
  });
});

test.each(["0", "2"])(
  "a fault behind what is still being decompressed closes that client alone (workers: %s)",
  async (workers) => {
    await using server = await startServer(["--compress", "--workers", workers, "-v", "cat"]);
    await using other = await join(server, "a");
    await using client = await joinRaw(server);
    const beginning = frame(text, deflated("begun"), { reservedBits: compressed, isFinal: false });
    await client.send(
      beginning,
      closeFrame(999),
      frame(text, "too late", { isFinal: false }),
      frame(continuation, "!"),
    );
    await client.ended;
    expect(client.closeCode).toBe(1002);
    other.send("still here");
    expect(await other.messages(1)).toEqual(["still here"]);
    expect(server.log()).not.toContain("worker");
  },
);
