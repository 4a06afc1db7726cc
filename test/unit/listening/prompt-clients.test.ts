import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { expect, test, vi } from "vitest";
import { takePromptClients } from "../../../src/listening/prompt-clients.ts";
import type { RequestHead } from "../../../src/request-head.ts";
import { loadCLibrary } from "../../../src/system/c-library.ts";
import { IPPROTO_TCP } from "../../../src/system/socket-constants.ts";
import { startReading } from "../../../src/system/socket-handle.ts";
import type { UnreadConnection } from "../../../src/system/unread-connection.ts";
import { promptSocket } from "../../helpers/prompt-socket.ts";
import { upgradeRequest } from "../../helpers/raw-socket.ts";
import { until } from "../../helpers/until.ts";

vi.mock("../../../src/system/c-library.ts", { spy: true });

/** The longest head that is taken. */
const mostBytes = 4096;

/** <netinet/tcp.h> */
const TCP_NODELAY = 1;

/** A server whose prompt clients are taken, and what it gets itself. */
class Setup implements AsyncDisposable {
  readonly taken: { readonly request: RequestHead; readonly connection: UnreadConnection }[] = [];
  /** What came to Node: requests as `request <target>` and `upgrade <target>`. */
  readonly seen: string[] = [];
  /** The last of them. */
  request: IncomingMessage | undefined;
  connections = 0;
  readonly #http = createServer({ noDelay: true, keepAliveTimeout: 0 });
  readonly #clients: Socket[] = [];

  constructor() {
    this.#http.on("connection", () => {
      this.connections += 1;
    });
    this.#http.on("request", (request, response) => {
      this.#note("request", request);
      response.end("done");
    });
    this.#http.on("upgrade", (request, socket, head) => {
      this.#note(`upgrade${head.length > 0 ? ` with ${head.toString("latin1")}` : ""}`, request);
      // A client that is destroyed before it has read that resets the connection.
      socket.on("error", () => undefined).end("upgraded");
    });
  }

  async open(): Promise<this> {
    await once(this.#http.listen(0, "127.0.0.1"), "listening");
    takePromptClients(this.#http, (request, connection) => this.taken.push({ request, connection }));
    return this;
  }

  /** A client that has sent this when its connection is accepted. */
  come(words: string): Socket {
    const client = promptSocket((this.#http.address() as AddressInfo).port, words);
    this.#clients.push(client);
    return client;
  }

  /** The one that was taken, of one that comes like this. */
  async take(
    words = upgradeRequest("/a"),
  ): Promise<{ request: RequestHead; connection: UnreadConnection; client: Socket }> {
    const client = this.come(words);
    await until(() => this.taken.length > 0, "a client to be taken");
    const [first] = this.taken;
    if (first === undefined) throw new Error("nobody was taken");
    return { ...first, client };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.destroy();
    for (const { connection } of this.taken) connection.destroy();
    const closed = once(this.#http.close(), "close");
    this.#http.closeAllConnections();
    await closed;
  }

  #note(what: string, request: IncomingMessage): void {
    this.seen.push(`${what} ${request.url}`);
    this.request = request;
  }
}

/** What comes over a socket, which grows. */
function receivedFrom(socket: Socket): { text: string } {
  const received = { text: "" };
  // Whoever lends what came takes it back.
  socket.on("data", (chunk: Buffer) => {
    received.text += chunk.toString("latin1");
  });
  return received;
}

test("a client whose request is there with its connection is taken, and the server knows nothing of it", async () => {
  await using server = await new Setup().open();
  const { request } = await server.take(upgradeRequest("/a/b?c", { Cookie: "d=e" }));
  expect(request).toMatchObject({ method: "GET", httpVersion: "1.1", url: "/a/b?c" });
  const pairs = [
    ["Host", "localhost"],
    ["Connection", "Upgrade"],
    ["Upgrade", "websocket"],
    ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
    ["Sec-WebSocket-Version", "13"],
    ["Cookie", "d=e"],
  ] as const;
  expect(request.rawHeaders).toEqual(pairs.flat());
  expect(request.headers).toEqual(Object.fromEntries(pairs.map(([name, value]) => [name.toLowerCase(), value])));
  const distinct = pairs.map(([name, value]) => [name.toLowerCase(), [value]]);
  expect(request.headersDistinct).toEqual(Object.fromEntries(distinct));
  expect([server.connections, server.seen]).toEqual([0, []]);
});

test("its endpoints are those of the connection", async () => {
  await using server = await new Setup().open();
  const { request, client } = await server.take();
  const { localAddress, localPort, remoteAddress, remotePort } = request.socket;
  expect([localAddress, localPort]).toEqual([client.remoteAddress, client.remotePort]);
  expect([remoteAddress, remotePort]).toEqual([client.localAddress, client.localPort]);
  expect([localAddress, remoteAddress]).toEqual(["127.0.0.1", "127.0.0.1"]);
});

test("what stands behind the request, and what comes later, is still to be read, and can be answered", async () => {
  await using server = await new Setup().open();
  const { connection, client } = await server.take(`${upgradeRequest("/a")}\x81\x85behind`);
  const received = receivedFrom(connection.socket);
  startReading(connection.socket);
  await until(() => received.text === "\x81\x85behind", "what stands behind");
  client.write(" and later");
  await until(() => received.text === "\x81\x85behind and later", "what comes later");
  const answer = receivedFrom(client);
  connection.socket.write("answer");
  await until(() => answer.text === "answer", "an answer");
  expect(server.connections).toBe(0);
});

test("small messages do not wait for others, as with clients of Node's", async () => {
  await using server = await new Setup().open();
  const { connection } = await server.take();
  const getsockopt = loadCLibrary().find(
    "int getsockopt(int socket, int level, int option, void *value, void *length)",
  );
  const value = new Int32Array(1);
  const { fd } = connection.handle ?? {};
  expect(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, value, Uint32Array.of(value.byteLength))).toBe(0);
  expect(value[0]).toBe(1);
});

/** A request for a websocket of so many bytes. */
function sized(bytes: number): string {
  const { length } = upgradeRequest("/a", { A: "" });
  return upgradeRequest("/a", { A: "x".repeat(bytes - length) });
}

const [firstHalf, secondHalf] = [upgradeRequest("/a").slice(0, -3), `${upgradeRequest("/a").slice(-3)}behind`];

const forNode: readonly (readonly [name: string, first: string, later: string, seen: string])[] = [
  ["a plain GET", "GET /b HTTP/1.1\r\nHost: a\r\n\r\n", "", "request /b"],
  ["an upgrade to something else", upgradeRequest("/b", { Upgrade: "h2c" }), "", "upgrade /b"],
  ["a head that is longer than 4 KiB", sized(mostBytes + 1), "", "upgrade /a"],
  ["a head that is not whole", firstHalf, secondHalf, "upgrade with behind /a"],
  ["the first byte of a head", "G", upgradeRequest("/a").slice(1), "upgrade /a"],
  ["nothing yet", "", upgradeRequest("/a"), "upgrade /a"],
];

test.each(forNode)("%s goes to Node as it is", async (_, first, later, seen) => {
  await using server = await new Setup().open();
  const client = server.come(first);
  await until(() => server.connections === 1, "the connection");
  client.write(later, "latin1");
  await until(() => server.seen.length > 0, "the request");
  expect(server.seen).toEqual([seen]);
  const [head = ""] = `${first}${later}`.split("\r\n\r\n");
  const lines = head.split("\r\n").slice(1);
  expect(server.request?.rawHeaders).toEqual(lines.flatMap((line) => line.split(": ")));
  expect(server.taken).toEqual([]);
});

test("a head of 4 KiB is taken whole, and what stands behind it is left", async () => {
  await using server = await new Setup().open();
  const { request, connection } = await server.take(`${sized(mostBytes)}behind`);
  expect(request.headers["a"]).toMatch(/^x{3000,}$/);
  const received = receivedFrom(connection.socket);
  startReading(connection.socket);
  await until(() => received.text === "behind", "what stands behind");
});

test.each([
  ["without a socket", false],
  ["with one", true],
])("a connection %s can be destroyed, which ends it", async (_, hasSocket) => {
  await using server = await new Setup().open();
  const { connection, client } = await server.take();
  expect(connection.handle?.fd).toBeGreaterThan(2);
  if (hasSocket) expect(connection.socket.destroyed).toBe(false);
  connection.destroy();
  expect(connection.handle).toBeUndefined();
  await once(client.resume(), "close");
  // Once more does no harm.
  connection.destroy();
});

test("without the C library nobody is taken", async () => {
  vi.mocked(loadCLibrary).mockImplementationOnce(() => {
    throw new Error("there is none");
  });
  await using server = await new Setup().open();
  server.come(upgradeRequest("/a"));
  await until(() => server.seen.length > 0, "the request");
  expect([server.seen, server.connections, server.taken]).toEqual([["upgrade /a"], 1, []]);
});
