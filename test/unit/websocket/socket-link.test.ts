import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Heartbeat } from "../../../src/websocket/heartbeat.ts";
import { SocketLink } from "../../../src/websocket/socket-link.ts";
import { close, frame, ping, pong, text } from "../../helpers/raw-client.ts";
import { settled } from "../../helpers/settled.ts";
import { until } from "../../helpers/until.ts";

const limits = { maxMessageBytes: 1024, slowTimeoutMs: 500, clientBufferBytes: 64 * 1024 };
// As those of an HTTP server, its sockets do not end by themselves when the client has ended its side.
const listener = createServer({ allowHalfOpen: true });
const gone: SocketLink[] = [];
let closes = 0;
const messages: string[] = [];
const controls: number[] = [];

let socket: Socket;
let link: SocketLink;
let client: Socket;
let received = Buffer.alloc(0);

beforeEach(async () => {
  gone.length = 0;
  closes = 0;
  messages.length = 0;
  controls.length = 0;
  received = Buffer.alloc(0);
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const accepted = once(listener, "connection") as Promise<[Socket]>;
  client = connect({ port: (listener.address() as { port: number }).port, host: "127.0.0.1" });
  client.on("error", () => undefined);
  client.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
  });
  [socket] = await accepted;
  const events = {
    id: 7,
    onMessage: (payload: Buffer) => messages.push(payload.toString()),
    onControl: (bytes: number) => controls.push(bytes),
    onClose: () => void (closes += 1),
  };
  link = new SocketLink(socket, events, limits, (closed) => gone.push(closed));
});

afterEach(async () => {
  client.destroy();
  link.abort();
  await until(() => gone.length === 1, "the end of the link");
  const closed = once(listener, "close");
  listener.close();
  await closed;
});

const goodbye = Buffer.of(0x03, 0xe8);

test("a client that pings and takes no answers makes nothing pile up beyond its buffer", async () => {
  client.pause();
  const pings = Buffer.concat(Array.from({ length: 1000 }, () => frame(ping, "x".repeat(125))));
  const rounds = 300;
  for (let round = 0; round < rounds; round += 1) client.write(pings);
  await until(() => link.readBytes === rounds * pings.length, "all pings to be read");
  expect(link.pendingBytes).toBeLessThanOrEqual(limits.clientBufferBytes + 512);
  client.resume();
  await until(() => link.pendingBytes === 0, "the answers to be taken");
  client.write(frame(ping, "last"));
  await until(() => received.subarray(-4).equals(Buffer.from("last")), "the answer to the last ping");
});

test("what waits counts with the memory that each write takes, so that few answers to empty pings wait", async () => {
  client.pause();
  const piece = Buffer.alloc(4096);
  await settled(() => {
    while (link.pendingBytes === 0) link.write(piece);
    return link.pendingBytes;
  });
  const waiting = socket.writableLength;
  const pings = Buffer.concat(Array.from({ length: 50_000 }, () => frame(ping)));
  client.write(pings);
  await until(() => link.readBytes === pings.length, "all pings to be read");
  expect(socket.writableLength - waiting).toBeLessThan(limits.clientBufferBytes / 64);
});

test("pings and pongs are told with their lengths", async () => {
  client.write(Buffer.concat([frame(ping, "abc"), frame(text, "one"), frame(pong)]));
  await until(() => controls.length === 2, "both");
  expect(controls).toEqual([3, 0]);
  expect(messages).toEqual(["one"]);
});

test("the client's close is answered with its own code, and the connection ended", async () => {
  client.write(Buffer.concat([frame(text, "one"), frame(close, goodbye), frame(text, "too late")]));
  await once(client, "end");
  expect(received.toString("hex")).toBe("880203e8");
  expect(messages).toEqual(["one"]);
  client.end();
  await until(() => closes === 1, "the close");
});

test("a close frame without a code is answered with one like it", async () => {
  client.write(frame(close));
  await once(client, "end");
  expect(received.toString("hex")).toBe("8800");
  await until(() => closes === 1, "the close");
});

test("our close frame stands behind what waits, and the client's answer ends the connection", async () => {
  link.write(Buffer.from("810161", "hex"));
  link.close(4008, "too slow");
  await until(() => received.length === 15, "the close frame");
  expect(received.subarray(0, 7).toString("hex")).toBe("810161880a0fa8");
  client.write(frame(close, received.subarray(5, 7)));
  await once(client, "end");
  await until(() => closes === 1, "the close");
});

test("a second close changes nothing", async () => {
  link.close(1000, "");
  link.close(1011, "again");
  await until(() => received.length > 0, "the close frame");
  client.write(frame(close, goodbye));
  await once(client, "end");
  expect(received.toString("hex")).toBe("880203e8");
});

test("a client that says nothing to our close is cut", async () => {
  link.close(1000, "");
  await until(() => closes === 1, "the cut");
});

test("a client that takes nothing cannot put off its close for ever", async () => {
  client.pause();
  link.write(Buffer.alloc(32 * 1024 * 1024));
  link.close(1000, "");
  await until(() => closes === 1, "the cut");
});

test("a client that ends its side gets all that waits for it, and then the end", async () => {
  client.pause();
  const bytes = 16 * 1024 * 1024;
  link.write(Buffer.alloc(bytes));
  client.end();
  await until(() => !link.isReading, "the end of the client's side");
  expect(link.pendingBytes).toBeGreaterThan(0);
  client.resume();
  await once(client, "end");
  expect(received).toHaveLength(bytes);
  await until(() => closes === 1, "the close");
});

test("a client that ends its side and takes nothing of what waits is cut, though its room reads nobody", async () => {
  client.pause();
  link.write(Buffer.alloc(16 * 1024 * 1024));
  client.end();
  await until(() => !link.isReading, "the end of the client's side");
  link.pause();
  const links = new Set([link]);
  new Heartbeat(links, { pingIntervalMs: 50, messageTimeoutMs: 1e6 }).start();
  await until(() => closes === 1, "the cut");
  links.clear();
});

test("a client that ends its side with nothing left to take is let go", async () => {
  client.end();
  await once(client, "close");
  await until(() => closes === 1, "the close");
});

test("a message that takes too long ends the connection with 1008, and the reason", async () => {
  client.write(frame(text, "never finished").subarray(0, 10));
  await until(() => link.unfinished > 0, "the beginning");
  link.onMessageTimeout();
  await once(client, "end");
  expect(received.readUInt16BE(2)).toBe(1008);
  expect(received.toString("utf8", 4)).toBe("message takes too long");
  expect(link.unfinished).toBe(0);
});

test("a connection that ends without a close frame is over when all of it was read", async () => {
  client.end(frame(text, "last words"));
  await until(() => closes === 1, "the close");
  expect(messages).toEqual(["last words"]);
});

test("while it is paused it takes no message, and afterwards all of them", async () => {
  const count = 10_000;
  link.pause();
  client.write(Buffer.concat(Array.from({ length: count }, () => frame(text, "x".repeat(100)))));
  // Node takes in one chunk all the same.
  expect(await settled(() => link.readBytes)).toBeLessThanOrEqual(64 * 1024);
  expect(messages).toEqual([]);
  link.resume();
  await until(() => messages.length === count, "the messages");
  expect(link.isPaused).toBe(false);
});
