import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { oneByOne } from "../../../src/listening/one-by-one.ts";
import { until } from "../../helpers/until.ts";

interface Setup extends AsyncDisposable {
  /** Answers that were asked for and are not over, and in which order they began. */
  readonly underWay: ServerResponse[];
  readonly begun: string[];
  /** How many requests have come, begun or not. */
  readonly asked: number;
  /** A client that sends so many requests in one write, for /0 and so on. */
  ask(count: number): Socket;
}

async function setup(): Promise<Setup> {
  const underWay: ServerResponse[] = [];
  const begun: string[] = [];
  let asked = 0;
  const http = createServer(
    oneByOne(({ url = "" }, response) => {
      begun.push(url);
      underWay.push(response);
      response.on("close", () => underWay.splice(underWay.indexOf(response), 1));
    }),
  );
  http.on("request", () => {
    asked += 1;
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = http.address() as AddressInfo;
  const clients: Socket[] = [];
  return {
    underWay,
    begun,
    get asked() {
      return asked;
    },
    ask(count) {
      const client = connect({ host: "127.0.0.1", port });
      client.on("error", () => undefined);
      client.write(targets(count).reduce((text, target) => `${text}GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`, ""));
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy();
      http.closeAllConnections();
      http.close();
      await once(http, "close");
    },
  };
}

function targets(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `/${index}`);
}

test("requests that are sent at once are answered one after the other, in their order", async () => {
  await using server = await setup();
  const client = server.ask(33);
  let received = "";
  client.setEncoding("latin1").on("data", (text: string) => {
    received += text;
  });
  for (const target of targets(33)) {
    await until(() => server.begun.at(-1) === target, `the turn of ${target}`);
    expect(server.underWay).toHaveLength(1);
    server.underWay[0]?.end(`<${target}>`);
  }
  await until(() => received.includes("</32>"), "the last answer");
  expect(received.match(/<[^>]*>/g)).toEqual(targets(33).map((target) => `<${target}>`));
});

test("those that have had their turn do not count", async () => {
  await using server = await setup();
  const client = server.ask(20);
  client.resume();
  for (const target of targets(20)) {
    await until(() => server.begun.at(-1) === target, `the turn of ${target}`);
    server.underWay[0]?.end();
  }
  client.write("GET /last HTTP/1.1\r\nHost: a\r\n\r\n".repeat(33));
  await until(() => server.asked === 53, "all to come");
  expect(server.begun).toHaveLength(21);
  expect(client.closed).toBe(false);
});

test("a connection is closed where too many wait, and none of these is begun", async () => {
  await using server = await setup();
  const client = server.ask(34);
  await once(client.resume(), "close");
  expect(server.begun).toEqual(["/0"]);
  expect(server.underWay).toEqual([]);
});

test("where the client goes away, those that wait are never begun", async () => {
  await using server = await setup();
  const client = server.ask(20);
  await until(() => server.asked === 20, "all to come");
  client.resetAndDestroy();
  await until(() => server.underWay.length === 0, "the first to be given up");
  expect(server.begun).toEqual(["/0"]);
});

test("nor are they where the connection is closed while an answer is being written", async () => {
  await using server = await setup();
  const client = server.ask(20).pause();
  await until(() => server.asked === 20, "all to come");
  const socket = server.underWay[0]?.socket;
  server.underWay[0]?.end(Buffer.alloc(64 * 1024 * 1024));
  await once(client, "readable");
  socket?.destroy();
  await once(socket as Socket, "close");
  expect(server.begun).toEqual(["/0"]);
  expect(server.underWay).toEqual([]);
});
