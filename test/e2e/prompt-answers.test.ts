import { writeFile } from "node:fs/promises";
import { describe, expect, test as plainTest } from "vitest";
import { type RawClient, textFrame } from "../helpers/raw-client.ts";
import { ask, rawRequest } from "../helpers/raw-http.ts";
import { upgradeRequest } from "../helpers/raw-socket.ts";
import { startServer, type TestServer } from "../helpers/server.ts";
import { arrivedClient, promptClients } from "../helpers/standstill.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { bearer, createSigner, token } from "../helpers/tokens.ts";
import { until } from "../helpers/until.ts";

const signer = createSigner("ES256");
const stranger = createSigner("ES256");
const allowed = bearer(await token(signer, { sub: "ann" })).headers;
const foreign = bearer(await token(stranger, { sub: "ann" })).headers;

/** A request with the status of its answer. */
interface Case {
  readonly name: string;
  readonly request: string;
  readonly status: number;
}

/** A request for a websocket, of somebody who may come in. */
function knock(target: string, headers: Readonly<Record<string, string>> = {}): string {
  return upgradeRequest(target, { ...allowed, ...headers });
}

/** The same without one of its headers. */
function without(name: string, request = knock("/room")): string {
  return request.replace(new RegExp(`^${name}: .*\r\n`, "m"), "");
}

const said = textFrame("said at once").toString("latin1");

const numbered = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`A${index}`, "b"]));

/** What a good one has. */
const ownHeaders = 6;

const cases: readonly Case[] = [
  { name: "a good handshake", request: knock("/room"), status: 101 },
  { name: "one with a subprotocol", request: knock("/room", { "Sec-WebSocket-Protocol": "b, a" }), status: 101 },
  {
    name: "one with an extension",
    request: knock("/room", { "Sec-WebSocket-Extensions": "permessage-deflate" }),
    status: 101,
  },
  { name: "a path with escapes", request: knock("/r%6Fom/a%2Fb%20c?d=%20"), status: 101 },
  { name: "a page of the same origin", request: knock("/room", { Origin: "http://localhost" }), status: 101 },
  { name: "100 headers", request: knock("/room", numbered(100 - ownHeaders)), status: 101 },
  { name: "101 headers", request: knock("/room", numbered(101 - ownHeaders)), status: 431 },
  { name: "a wrong version", request: knock("/room", { "Sec-WebSocket-Version": "12" }), status: 400 },
  { name: "no version", request: without("Sec-WebSocket-Version"), status: 400 },
  { name: "no key", request: without("Sec-WebSocket-Key"), status: 400 },
  { name: "a key that is not base64", request: knock("/room", { "Sec-WebSocket-Key": "not base64" }), status: 400 },
  {
    name: "two subprotocols of one name",
    request: knock("/room", { "Sec-WebSocket-Protocol": "a, a" }),
    status: 400,
  },
  { name: "a foreign host", request: knock("/room", { Host: "evil.example" }), status: 403 },
  { name: "an empty host", request: knock("/room", { Host: "" }), status: 403 },
  { name: "no host", request: without("Host"), status: 400 },
  { name: "two hosts", request: knock("/room", { host: "localhost" }), status: 400 },
  { name: "a room that is not served", request: knock("/elsewhere"), status: 400 },
  { name: "the same with a message behind it", request: `${knock("/elsewhere")}${said}`, status: 400 },
  { name: "no room", request: knock("/"), status: 400 },
  { name: "a reserved name", request: knock("/health"), status: 400 },
  { name: "a name that is too long", request: knock(`/${"r".repeat(129)}`), status: 400 },
  { name: "a path that is no UTF-8", request: knock("/room%ff"), status: 400 },
  { name: "a path with a NUL", request: knock("/room/%00"), status: 400 },
  { name: "no token", request: upgradeRequest("/room"), status: 401 },
  { name: "a token of somebody else", request: upgradeRequest("/room", foreign), status: 401 },
  { name: "a page of another origin", request: knock("/room", { Origin: "http://evil.example" }), status: 403 },
  { name: "what is well", request: rawRequest("/health"), status: 200 },
  { name: "the statistics of a room that is not open", request: rawRequest("/empty/stats", allowed), status: 404 },
  { name: "a page that is not there", request: rawRequest("/nothing"), status: 404 },
  { name: "another method", request: rawRequest("/health", {}, "POST"), status: 405 },
  { name: "an upgrade to HTTP/2", request: knock("/health", { Upgrade: "h2c" }), status: 200 },
  { name: "a body", request: `${knock("/room", { "Content-Length": "4" })}abcd`, status: 400 },
  { name: "a head of 8 KB", request: knock("/room", { A: "x".repeat(8000) }), status: 101 },
  { name: "a head of 20 KB", request: knock("/room", { A: "x".repeat(20_000) }), status: 431 },
];

/** One server for all cases. */
function testWith(workers: string) {
  return plainTest.extend<{ server: TestServer }>({
    server: [
      async ({}, use) => {
        await using folder = await tempFolder();
        const key = folder.at("key");
        await writeFile(key, signer.text);
        const words = ["--workers", workers, "--rooms", "room,empty", "--sameorigin", "--stats", "--auth-jwt-key", key];
        const answers = ["--subprotocol", "a", "--compress", "--header", "X-Site: own"];
        await using server = await startServer([...words, ...answers, "cat"]);
        await use(server);
      },
      { scope: "file" },
    ],
  });
}

const tests = ["0", "2"].map((workers) => [workers, testWith(workers)] as const);

describe.for(tests)("with --workers %s", ([, test]) => {
  test.for(cases)(
    "$name: the answer, $status, is the same whether the request is there with its connection or comes in pieces",
    async ({ request, status }, { server }) => {
      const [prompt] = await promptClients(server, [Buffer.from(request, "latin1")]);
      const atOnce = await answerTo(prompt as RawClient);
      const inPieces = await answerTo(await piecemealClient(server, request));
      expect(atOnce).toBe(inPieces);
      expect(atOnce).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    },
  );
});

/** A client whose connection is accepted before the first half of its request comes, which is read before the second one. */
async function piecemealClient(server: TestServer, request: string): Promise<RawClient> {
  const bytes = Buffer.from(request, "latin1");
  const half = bytes.length >> 1;
  const client = await arrivedClient(server, "");
  for (const piece of [bytes.subarray(0, half), bytes.subarray(half)]) {
    // Whoever came later was answered.
    await ask(server.port, rawRequest("/health"));
    await client.send(piece);
  }
  return client;
}

/** The whole answer but for its date. */
async function answerTo(client: RawClient): Promise<string> {
  await until(
    () => client.socket.closed || client.head.startsWith("HTTP/1.1 101 "),
    () => `an answer, got ${client.received}`,
  );
  const answer = client.socket.closed ? client.received : client.head;
  await client[Symbol.asyncDispose]();
  return answer.replace(/^Date: .*\r\n/m, "");
}
