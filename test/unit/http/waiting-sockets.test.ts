import { once } from "node:events";
import { createServer, type Server as HttpServer, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectEncrypted } from "node:tls";
import { expect, test } from "vitest";
import { WaitingSockets } from "../../../src/http/waiting-sockets.ts";
import { until } from "../../helpers/until.ts";

/** A key that both sides know spares the test a certificate. */
const secret = {
  ciphers: "PSK-AES128-GCM-SHA256",
  maxVersion: "TLSv1.2" as const,
  pskCallback: () => ({ psk: Buffer.alloc(16, 1), identity: "test" }),
};

interface Kind {
  create(): HttpServer;
  connect(port: number): Socket;
}

const kinds: readonly [string, Kind][] = [
  ["plain", { create: () => createServer(), connect: (port) => connect({ host: "127.0.0.1", port }) }],
  [
    "encrypted",
    {
      create: () => createHttpsServer({ ...secret, pskCallback: () => secret.pskCallback().psk }),
      connect: (port) => connectEncrypted({ host: "127.0.0.1", port, ...secret, checkServerIdentity: () => undefined }),
    },
  ],
];

const request = "GET / HTTP/1.1\r\nHost: a\r\n";
const upgrade = `${request}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;

test.each(kinds)("of %s connections those go that are waited for, the oldest first", async (_, kind) => {
  const http = kind.create();
  const waiting = new WaitingSockets(2, 0);
  waiting.watch(http);
  const answers: ServerResponse[] = [];
  http.on("request", (_request, response) => {
    response.write("begun");
    answers.push(response);
  });
  const upgraded: Duplex[] = [];
  http.on("upgrade", (asked, socket) => {
    waiting.letGo(asked);
    upgraded.push(socket);
    socket.on("error", () => undefined).write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = http.address() as AddressInfo;
  const sockets: Socket[] = [];
  const come = async (words: string): Promise<Socket> => {
    const socket = kind.connect(port);
    sockets.push(socket);
    socket.on("error", () => undefined);
    await once(socket, kind === kinds[1]?.[1] ? "secureConnect" : "connect");
    socket.write(words);
    if (words.endsWith("\r\n\r\n")) await once(socket, "data");
    socket.resume();
    return socket;
  };
  const closed = (): number[] => sockets.flatMap((socket, index) => (socket.destroyed ? [index] : []));

  await come(upgrade);
  const answered = await come(`${request}\r\n`);
  await come(upgrade);
  await come(request);
  await come(request);
  expect(closed()).toEqual([]);
  await come(request);
  await until(() => closed().length > 0, "the oldest to go");
  expect(closed()).toEqual([3]);
  // Whoever has been answered is waited for as well from then on, and least long.
  const isAnswered = once(answered, "data");
  answers[0]?.end();
  await isAnswered;
  await until(() => closed().length > 1, "the next to go");
  await come(request);
  await until(() => closed().length > 2, "the one after it to go");
  expect(closed()).toEqual([3, 4, 5]);
  await come(request);
  await until(() => closed().length > 3, "the one that was answered to go");
  expect(closed()).toEqual([1, 3, 4, 5]);

  for (const socket of [...sockets, ...upgraded]) socket.destroy();
  http.close();
  await once(http, "close");
});

test("those who have just come may be more, but not many more", async () => {
  const http = createServer();
  new WaitingSockets(2, 3_600_000).watch(http);
  await using crowd = await Crowd.before(http);
  await crowd.add(16);
  expect(crowd.closed).toEqual([]);
  await crowd.add(2);
  await until(() => crowd.closed.length === 2, "two to go");
  expect(crowd.closed).toEqual([0, 1]);
});

test("those who were given time go when it is over, though nobody else comes", async () => {
  const http = createServer();
  new WaitingSockets(2, 50).watch(http);
  await using crowd = await Crowd.before(http);
  await crowd.add(6);
  await until(() => crowd.closed.length === 4, "all but two to go");
  expect(crowd.closed).toEqual([0, 1, 2, 3]);
});

/** Clients of a server that say nothing. */
class Crowd implements AsyncDisposable {
  readonly #http: HttpServer;
  readonly #sockets: Socket[] = [];

  private constructor(http: HttpServer) {
    this.#http = http;
  }

  static async before(http: HttpServer): Promise<Crowd> {
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    return new Crowd(http);
  }

  /** Which of them were closed, by the order in which they have come. */
  get closed(): number[] {
    return this.#sockets.flatMap((socket, index) => (socket.destroyed ? [index] : []));
  }

  async add(count: number): Promise<void> {
    const { port } = this.#http.address() as AddressInfo;
    for (let index = 0; index < count; index += 1) {
      const isAccepted = once(this.#http, "connection");
      const socket = connect({ host: "127.0.0.1", port });
      socket.on("error", () => undefined).resume();
      this.#sockets.push(socket);
      await isAccepted;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#http.close();
    await once(this.#http, "close");
  }
}
