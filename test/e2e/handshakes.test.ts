import { once } from "node:events";
import { Agent, get } from "node:http";
import { connect, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { join } from "../helpers/client.ts";
import { Crowd } from "../helpers/crowd.ts";
import { textFrame } from "../helpers/raw-client.ts";
import { ask } from "../helpers/raw-http.ts";
import { upgradeRequest } from "../helpers/raw-socket.ts";
import { startServer, type TestServer } from "../helpers/server.ts";
import { until } from "../helpers/until.ts";

async function isWell(server: TestServer): Promise<void> {
  expect(await (await server.http("/health", { headers: { Connection: "close" } })).json()).toEqual({ status: "ok" });
}

const half = "GET /a HTTP/1.1\r\nHost: localhost\r\n";

describe("with --maxhandshakes", () => {
  test("one more connection without a request takes the place of the oldest, and none that is in use", async () => {
    await using server = await startServer(["--maxhandshakes", "8", "cat"]);
    await using client = await join(server, "a");
    using crowd = new Crowd(server);
    for (let index = 0; index < 8; index += 1) await crowd.add(half);
    const [oldest, second] = crowd.sockets;
    // All eight are there: the second can still finish its request.
    second?.write(`Connection: Upgrade\r\n${upgradeRequest("/a").split("\r\n").slice(3).join("\r\n")}`);
    await once(second as Socket, "data");
    expect(crowd.closed).toBe(0);
    // That one is in a room now, so that there is a place for one more, and then there is none.
    await crowd.add(half);
    await crowd.add();
    await until(() => oldest?.destroyed === true, "the oldest to be shut out");
    expect(crowd.closed).toBe(1);
    second?.write(textFrame("hello"));
    expect(await client.messages(1)).toEqual(["hello"]);
  });

  test("clients that all come back at once are all let in, though they are more than that", async () => {
    await using server = await startServer(["--workers", "0", "--maxhandshakes", "256", "cat"]);
    const answers = await Promise.all(
      Array.from({ length: 1500 }, async () => (await ask(server.port, upgradeRequest("/a"))).status),
    );
    expect(answers.filter((status) => status !== 101)).toEqual([]);
  });

  test("connections that wait for another request count as well", async () => {
    await using server = await startServer(["--maxhandshakes", "8", "cat"]);
    const agent = new Agent({ keepAlive: true });
    try {
      const idle = await Promise.all(Array.from({ length: 4 }, async () => idleSocket(server, agent)));
      using crowd = new Crowd(server);
      for (let index = 0; index < 4; index += 1) await crowd.add(half);
      expect(idle.filter(({ destroyed }) => destroyed)).toEqual([]);
      for (let index = 0; index < 4; index += 1) await crowd.add(half);
      await until(() => idle.every(({ destroyed }) => destroyed), "the idle ones to be shut out");
      expect(crowd.closed).toBe(0);
    } finally {
      agent.destroy();
    }
  });
});

describe("a request", () => {
  test("that comes byte by byte is let in", async () => {
    await using server = await startServer(["cat"]);
    const socket = connect({ host: "127.0.0.1", port: server.port, noDelay: true });
    socket.setEncoding("latin1");
    let received = "";
    socket.on("data", (text: string) => {
      received += text;
    });
    await once(socket, "connect");
    for (const byte of Buffer.concat([Buffer.from(upgradeRequest("/a")), textFrame("hello")])) {
      await new Promise((resolve) => socket.write(Buffer.of(byte), resolve));
    }
    await until(
      () => received.endsWith("\x81\x05hello"),
      () => `a message, got ${received}`,
    );
    expect(received).toMatch(/^HTTP\/1\.1 101 /);
    socket.destroy();
  });

  test("may have headers of 16 KiB, and not of more", async () => {
    await using server = await startServer(["cat"]);
    const { length } = upgradeRequest("/a", { A: "" });
    const sized = (bytes: number): string => upgradeRequest("/a", { A: "x".repeat(bytes - length) });
    expect((await ask(server.port, sized(16 * 1024 - 200))).status).toBe(101);
    expect((await ask(server.port, sized(16 * 1024 + 200))).status).toBe(431);
  });

  test("may have a hundred headers, and not one more", async () => {
    await using server = await startServer(["cat"]);
    const five = 5;
    const counted = (count: number): string =>
      upgradeRequest("/a", Object.fromEntries(Array.from({ length: count - five }, (_, index) => [`A${index}`, "b"])));
    expect((await ask(server.port, counted(100))).status).toBe(101);
    for (const count of [101, 102, 1000]) {
      const { status, body } = await ask(server.port, counted(count));
      expect({ status, body }).toEqual({ status: 431, body: "there are more than 100 headers\n" });
    }
  });

  test("whose headers take more than ten seconds is cut off, however lively it is", async () => {
    await using server = await startServer(["cat"]);
    using crowd = new Crowd(server);
    const socket = await crowd.add("GET /a HTTP/1.1\r\nHost: localhost\r\nA: ");
    let answer = "";
    socket.setEncoding("latin1").on("data", (text: string) => {
      answer += text;
    });
    const dripping = setInterval(() => socket.write("x"), 100);
    await until(() => socket.destroyed, "the end of a slow request");
    clearInterval(dripping);
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    await isWell(server);
  });
});

/** A connection on which one request was answered and no other has come yet. */
async function idleSocket({ port }: TestServer, agent: Agent): Promise<Socket> {
  const request = get({ host: "127.0.0.1", port, path: "/health", agent });
  const [response] = await once(request, "response");
  response.resume();
  const { socket } = request;
  await once(response, "end");
  if (socket === null) throw new Error("no socket");
  return socket;
}
