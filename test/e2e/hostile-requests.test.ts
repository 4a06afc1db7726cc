import { describe, expect, test as plainTest } from "vitest";
import { join, type TestClient } from "../helpers/client.ts";
import { peakMemoryMiB } from "../helpers/processes.ts";
import { exchange, upgradeRequest } from "../helpers/raw-socket.ts";
import { frame, text } from "../helpers/raw-client.ts";
import { startServer, type TestServer } from "../helpers/server.ts";

/** What an attacker sends over one connection, and which answers may come back, in this order and no others. */
interface Attack {
  readonly name: string;
  readonly bytes: string | Buffer;
  readonly statuses: readonly number[];
}

/** A request that is hidden in another one: whoever runs it has been deceived. */
const hidden = upgradeRequest("/smuggled");
const emptyChunk = "0\r\n\r\n";

/** A request with lines of its own, and what stands behind its headers. */
function request(method: string, lines: readonly string[], body = ""): string {
  return [`${method} /health HTTP/1.1`, "Host: localhost", ...lines, "", body].join("\r\n");
}

function post(lines: readonly string[], body: string = hidden): string {
  return request("POST", lines, body);
}

/** A request whose answer is the last: the connection is to end by itself. */
function get(...lines: readonly string[]): string {
  return request("GET", [...lines, "Connection: close"]);
}

function chunked(line: string, body = emptyChunk): string {
  return post([line], body + hidden);
}

const smuggling: readonly Attack[] = [
  { name: "a length and chunks", bytes: post(["Content-Length: 5", "Transfer-Encoding: chunked"]), statuses: [400] },
  { name: "chunks and a length", bytes: post(["Transfer-Encoding: chunked", "Content-Length: 5"]), statuses: [400] },
  { name: "two lengths", bytes: post(["Content-Length: 0", `Content-Length: ${hidden.length}`]), statuses: [400] },
  { name: "the same length twice", bytes: post(["Content-Length: 0", "Content-Length: 0"]), statuses: [400] },
  { name: "a list of lengths", bytes: post([`Content-Length: 0, ${hidden.length}`]), statuses: [400] },
  { name: "a length with a sign", bytes: post(["Content-Length: +0"]), statuses: [400] },
  { name: "a length below 0", bytes: post(["Content-Length: -1"]), statuses: [400] },
  { name: "a length in hexadecimal", bytes: post(["Content-Length: 0x0"]), statuses: [400] },
  { name: "a length with a space in it", bytes: post(["Content-Length: 1 0"]), statuses: [400] },
  { name: "a length beyond 2^64", bytes: post(["Content-Length: 18446744073709551617"]), statuses: [400] },
  { name: "an encoding behind chunked", bytes: chunked("Transfer-Encoding: chunked, identity"), statuses: [400] },
  {
    name: "two encodings",
    bytes: post(["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], emptyChunk + hidden),
    statuses: [400],
  },
  { name: "a space before the colon", bytes: chunked("Transfer-Encoding : chunked"), statuses: [400] },
  { name: "an encoding behind a vertical tab", bytes: chunked("Transfer-Encoding: \u000bchunked"), statuses: [400] },
  { name: "an encoding behind a tab", bytes: chunked("Transfer-Encoding:\tchunked"), statuses: [405] },
  { name: "an encoding in mixed case", bytes: chunked("Transfer-Encoding: cHuNkEd"), statuses: [405] },
  { name: "an encoding in quotes", bytes: chunked('Transfer-Encoding: "chunked"'), statuses: [405] },
  { name: "an unknown encoding", bytes: chunked("Transfer-Encoding: xchunked"), statuses: [405] },
  { name: "an encoding before chunked", bytes: chunked("Transfer-Encoding: identity, chunked"), statuses: [405] },
  {
    name: "chunks in HTTP/1.0",
    bytes: chunked("Transfer-Encoding: chunked").replace("HTTP/1.1", "HTTP/1.0"),
    statuses: [405],
  },
  {
    name: "a chunk of 2^64 bytes",
    bytes: chunked("Transfer-Encoding: chunked", "10000000000000000\r\n"),
    statuses: [405],
  },
  { name: "a chunk of -1 bytes", bytes: chunked("Transfer-Encoding: chunked", "-1\r\n\r\n"), statuses: [405] },
  { name: "a chunk that ends with a bare LF", bytes: chunked("Transfer-Encoding: chunked", "0\n\n"), statuses: [405] },
  {
    name: "a line's end in a chunk's extension",
    bytes: chunked("Transfer-Encoding: chunked", "0;\n\r\n\r\n"),
    statuses: [405],
  },
  {
    name: "more in a chunk than it says",
    bytes: chunked("Transfer-Encoding: chunked", "1\r\nab\r\n0\r\n\r\n"),
    statuses: [405],
  },
  {
    name: "a header behind the last chunk",
    bytes: chunked("Transfer-Encoding: chunked", "0\r\nHost: evil\r\n\r\n"),
    statuses: [405],
  },
  { name: "a request behind a body", bytes: post(["Content-Length: 4"], `abcd${hidden}`), statuses: [405] },
  {
    name: "a GET whose body is a request",
    bytes: request("GET", [`Content-Length: ${hidden.length}`], hidden),
    statuses: [200],
  },
  {
    name: "an upgrade with a body that is frames",
    bytes: upgradeRequest("/smuggled", { "Content-Length": "11" }) + frame(text, "hello").toString("latin1"),
    statuses: [400],
  },
  {
    name: "an upgrade with a body in chunks",
    bytes: upgradeRequest("/smuggled", { "Transfer-Encoding": "chunked" }) + emptyChunk,
    statuses: [400],
  },
  { name: "an upgrade behind a request without an answer yet", bytes: request("GET", []) + hidden, statuses: [200] },
  { name: "an upgrade to HTTP/2", bytes: hidden.replace("Upgrade: websocket", "Upgrade: h2c"), statuses: [404] },
  { name: "the preface of HTTP/2", bytes: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", statuses: [400] },
  { name: "a tunnel", bytes: `CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n${hidden}`, statuses: [] },
];

const malformed: readonly Attack[] = [
  { name: "bare LFs", bytes: "GET /smuggled HTTP/1.1\nHost: localhost\n\n", statuses: [400] },
  { name: "a bare LF between headers", bytes: get("A: b\nTransfer-Encoding: chunked"), statuses: [400] },
  { name: "a bare CR between headers", bytes: get("A: b\rTransfer-Encoding: chunked"), statuses: [400] },
  { name: "a folded header", bytes: get("A: b", " folded"), statuses: [400] },
  { name: "a folded first header", bytes: "GET /health HTTP/1.1\r\n Host: localhost\r\n\r\n", statuses: [400] },
  { name: "a header without a name", bytes: get(": b"), statuses: [400] },
  { name: "a NUL in a name", bytes: get("A\0B: c"), statuses: [400] },
  { name: "a NUL in a value", bytes: get("A: b\0c"), statuses: [400] },
  { name: "a control character in a value", bytes: get("A: b\u0001c"), statuses: [400] },
  { name: "half a header and then the end", bytes: "GET /health HTTP/1.1\r\nHo", statuses: [400] },
  { name: "tabs in the request line", bytes: "GET\t/smuggled\tHTTP/1.1\r\nHost: localhost\r\n\r\n", statuses: [400] },
  { name: "two versions", bytes: "GET /smuggled HTTP/1.1 HTTP/1.1\r\nHost: localhost\r\n\r\n", statuses: [400] },
  { name: "a header of 32 KB", bytes: get(`A: ${"x".repeat(32_000)}`), statuses: [431] },
  {
    name: "3,000 headers",
    bytes: get(...Array.from({ length: 3000 }, (_, index) => `A${index}: b`)),
    statuses: [431],
  },
  { name: "a target of 32 KB", bytes: `GET /${"x".repeat(32_000)} HTTP/1.1\r\n\r\n`, statuses: [431] },
];

const otherHosts: readonly Attack[] = [
  ...["evil.example", "localhost.evil.example", "localhost@evil.example", "localhost, evil.example"].map(elsewhere),
  ...["localhost evil.example", "localhost/evil.example", "evil.example#localhost", ""].map(elsewhere),
  ...["http://evil.example", "http://localhost@evil.example", "https://evil.example"].map((origin) => ({
    name: `a target at ${origin}`,
    bytes: upgradeRequest(`${origin}/smuggled`),
    statuses: [403],
  })),
];

function elsewhere(host: string): Attack {
  return {
    name: `the host ${JSON.stringify(host)}`,
    bytes: upgradeRequest("/smuggled", { Host: host }),
    statuses: [403],
  };
}

/** The nearest neighbours, which are let in. */
const fine: readonly Attack[] = [
  { name: "a request for what is well", bytes: get(), statuses: [200] },
  { name: "two requests at once", bytes: request("GET", []) + get(), statuses: [200, 200] },
  {
    name: "an empty body, and another request",
    bytes: request("GET", ["Content-Length: 0"]) + get(),
    statuses: [200, 200],
  },
  { name: "empty lines before a request", bytes: `\r\n\r\n${get()}`, statuses: [200] },
  { name: "a header with a byte that is no ASCII", bytes: Buffer.from(get("A: b\u00ffc"), "latin1"), statuses: [200] },
];

/** One server, and a client in a room of it that nobody else may touch, for all attacks. */
function testWith(workers: string) {
  return plainTest.extend<{ server: TestServer; other: TestClient }>({
    server: [
      async ({}, use) => {
        await using server = await startServer(["-v", "--workers", workers, "cat"]);
        await use(server);
      },
      { scope: "file" },
    ],
    other: [
      async ({ server }, use) => {
        await using other = await join(server, "untouched");
        await use(other);
      },
      { scope: "file" },
    ],
  });
}

const tests = ["0", "auto"].map((workers) => [workers, testWith(workers)] as const);

describe.for(tests)("with --workers %s", ([, test]) => {
  test.for([...smuggling, ...malformed, ...otherHosts, ...fine])(
    "$name: the answers are $statuses, and nobody is deceived or disturbed",
    async ({ bytes, statuses }, { server, other }) => {
      const answers = exchangeToEnd(server, bytes);
      const count = other.received.length + 1;
      other.send(`still here ${count}`);
      expect((await other.messages(count)).at(-1)).toBe(`still here ${count}`);
      expect(Array.from((await answers).matchAll(/HTTP\/1\.1 (\d{3}) /g), ([, status]) => Number(status))).toEqual(
        statuses,
      );
      expect(server.log()).not.toContain("smuggled");
    },
  );

  test("all of that takes little memory", async ({ server }) => {
    expect(peakMemoryMiB(server.pid)).toBeLessThan(150);
  });
});

/** What comes back until the server closes; from who says nothing more, it can expect nothing more. */
async function exchangeToEnd({ port }: TestServer, bytes: string | Buffer): Promise<string> {
  return exchange(port, typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes, true);
}
