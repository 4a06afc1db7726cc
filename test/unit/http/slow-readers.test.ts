import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { SlowReaders } from "../../../src/http/slow-readers.ts";
import { until } from "../../helpers/until.ts";

const limitMs = 1000;
const mebibyte = 1024 * 1024;
const large = Buffer.alloc(32 * mebibyte, "x");

interface Setup extends AsyncDisposable {
  readonly readers: SlowReaders;
  /** A client that has asked and does not read. */
  ask(): Socket;
}

async function setup(answer: RequestListener): Promise<Setup> {
  const readers = new SlowReaders(limitMs);
  const http = createServer((request, response) => {
    readers.watch(request, response);
    answer(request, response);
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = http.address() as AddressInfo;
  return {
    readers,
    ask() {
      const socket = connect({ host: "127.0.0.1", port });
      socket.on("error", () => undefined).pause();
      socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      return socket;
    },
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      http.close();
      await once(http, "close");
    },
  };
}

/** Reads to the end, and resolves to how many bytes there were. */
async function readAll(socket: Socket, onChunk: (length: number) => void = () => undefined): Promise<number> {
  let bytes = 0;
  socket.on("data", ({ length }: Buffer) => {
    bytes += length;
    onChunk(length);
  });
  socket.resume();
  await once(socket, "close");
  return bytes;
}

test("an answer that is not read is given up", async () => {
  await using server = await setup((_request, response) => response.end(large));
  const socket = server.ask();
  await until(() => server.readers.cut === 1, "the client to be cut off");
  expect(await readAll(socket)).toBeLessThan(large.length);
});

test("one that is read, if slowly, is not", async () => {
  await using server = await setup((_request, response) => response.end(large));
  const socket = server.ask();
  // Longer in all than one may read nothing, and never that long without a byte. The system holds back up to 4 MiB.
  let bytesUntilPause = 4 * mebibyte;
  const bytes = readAll(socket, (length) => {
    bytesUntilPause -= length;
    if (bytesUntilPause > 0) return;
    bytesUntilPause += 4 * mebibyte;
    socket.pause();
    setTimeout(() => socket.resume(), limitMs / 5);
  });
  expect(await bytes).toBeGreaterThan(large.length);
  expect(server.readers.cut).toBe(0);
});

test("a client that waits for the server is not what is slow", async () => {
  await using server = await setup((_request, response) => {
    response.write("begun");
    setTimeout(() => response.end("done"), 3 * limitMs);
  });
  expect(await readAll(server.ask())).toBeGreaterThan(0);
  expect(server.readers.cut).toBe(0);
});
