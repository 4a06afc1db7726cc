import { describe, expect, test } from "vitest";
import { readUpgradeHead } from "../../../src/listening/upgrade-head.ts";

const usual = [
  "Host: localhost:9000",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
];

/** A whole head. */
function head(lines: readonly string[], requestLine = "GET /room?a=%20b HTTP/1.1"): string {
  return [requestLine, ...lines, "", ""].join("\r\n");
}

/** The usual one with lines more. */
function more(...lines: readonly string[]): string {
  return head([...usual, ...lines]);
}

/** The usual one with another line for a header, or with none. */
function other(name: string, ...lines: readonly string[]): string {
  return head(usual.flatMap((line) => (line.startsWith(`${name}:`) ? lines : [line])));
}

/** The usual one with another request line. */
function asking(requestLine: string): string {
  return head(usual, requestLine);
}

/** All printable characters of ASCII from one on. */
function printable(first: number): string {
  return String.fromCharCode(...Array.from({ length: 0x7f - first }, (_, offset) => first + offset));
}

/** What stands in no value, no name and no target. */
const oddBytes = [
  ["a bare CR", "\r"],
  ["a bare LF", "\n"],
  ["a NUL", "\0"],
  ["a control character", "\x1b"],
  ["a DEL", "\x7f"],
  ["a byte above ASCII", "\x80"],
  ["the highest byte", "\xff"],
] as const;

/** What browsers send. */
const ofBrowser = more(
  "Pragma: no-cache",
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)",
  "Origin: http://localhost:9000",
  "Accept-Encoding: gzip, deflate, br, zstd",
  "Cookie: a=b; c=d",
  "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
);

const taken: readonly (readonly [name: string, text: string])[] = [
  ["the usual one", head(usual)],
  ["one of a browser", ofBrowser],
  ["the least there is", head(["Host:", "Connection: upgrade", "Upgrade: WEBSOCKET"], "GET / HTTP/1.1")],
  ["names and words in any case", head(["HOST: a", "connection: uPgRaDe", "uPGRADE: WebSocket"])],
  ["a connection that is kept alive", other("Connection", "Connection: keep-alive, Upgrade")],
  ["the same without a space", other("Connection", "Connection: Keep-Alive,Upgrade")],
  ["no space before a value", other("Host", "Host:localhost")],
  ["a header without a value", more("A:", "B: ")],
  ["spaces and tabs within a value", more("A: b  c\t\td")],
  ["colons in a value", more("A: ::b: c:")],
  ["every character of a name", more("!#$%&'*+-.^_`|~09azAZ: b")],
  ["every character of a value", more(`A: ${printable(0x21)}`)],
  ["every character of a target", asking(`GET /${printable(0x21)} HTTP/1.1`)],
  ["a target of many slashes", asking("GET //a//../b/ HTTP/1.1")],
  ["no version and no key", head(usual.slice(0, 3))],
  ["a name that all objects have", more("constructor: a", "toString: b", "hasOwnProperty: c")],
];

const twice = usual.map((line) => line.replace(/:.*/, ""));

const left: readonly (readonly [name: string, text: string])[] = [
  ["an empty line first", `\r\n${head(usual)}`],
  ["a method in lower case", asking("get /room HTTP/1.1")],
  ...["POST", "HEAD", "CONNECT", "OPTIONS"].map((method) => [method, asking(`${method} /room HTTP/1.1`)] as const),
  ["HTTP/1.0", asking("GET /room HTTP/1.0")],
  ["HTTP/2.0", asking("GET /room HTTP/2.0")],
  ["a version in lower case", asking("GET /room http/1.1")],
  ["no version", asking("GET /room")],
  ["two versions", asking("GET /room HTTP/1.1 HTTP/1.1")],
  ["an absolute target", asking("GET http://localhost/room HTTP/1.1")],
  ["a target that is *", asking("GET * HTTP/1.1")],
  ["a target without a slash", asking("GET room HTTP/1.1")],
  ["no target", asking("GET  HTTP/1.1")],
  ["two spaces before the target", asking("GET  /room HTTP/1.1")],
  ["two spaces behind the target", asking("GET /room  HTTP/1.1")],
  ["a tab before the target", asking("GET\t/room HTTP/1.1")],
  ["a space behind the version", asking("GET /room HTTP/1.1 ")],
  ["a bare LF behind the request line", head(usual).replace("\r\n", "\n")],
  ["a bare CR behind the request line", head(usual).replace("\r\n", "\r")],
  ...oddBytes.map(([name, byte]) => [`${name} in the target`, asking(`GET /r${byte}m HTTP/1.1`)] as const),
  ...oddBytes.map(([name, byte]) => [`${name} in a value`, more(`A: b${byte}c`)] as const),
  ...oddBytes.map(([name, byte]) => [`${name} in a name`, more(`A${byte}B: c`)] as const),
  ["a line that is folded by a space", more("A: b", " c")],
  ["a line that is folded by a tab", more("A: b", "\tc")],
  ["a first line that is folded", head([" A: b", ...usual])],
  ["only bare LFs", head(usual).replaceAll("\r\n", "\n")],
  ["a bare LF at the end", `${head(usual).slice(0, -2)}\n`],
  ["a space before the colon", more("A : b")],
  ["a tab before the colon", more("A\t: b")],
  ["a space before a name", more(" A: b")],
  ["two spaces before a value", more("A:  b")],
  ["a tab before a value", more("A:\tb")],
  ["a space behind a value", more("A: b ")],
  ["a tab behind a value", more("A: b\t")],
  ["two spaces for a value", more("A:  ")],
  ["an empty name", more(": b")],
  ["a line without a colon", more("A")],
  ["a name with a separator", more("A/B: c")],
  ["a name in quotes", more('"A": b')],
  ...twice.map((name) => [`${name} twice`, more(`${name.toLowerCase()}: localhost`)] as const),
  ["any header twice", more("A: b", "a: b")],
  ["an empty header twice", more("A:", "A:")],
  ["a header that Node loses", more("__proto__: a")],
  ["no Host", other("Host")],
  ["no Connection", other("Connection")],
  ["no Upgrade", other("Upgrade")],
  ...["", "keep-alive", "close", "close, Upgrade", "Upgrade, keep-alive", "Upgrade, Upgrade", "keep-alive,  Upgrade"]
    .concat([
      "keep-alive Upgrade",
      "keep-alive, Upgrade,",
      "Upgrade, HTTP2-Settings",
      "Upgrades",
      "keep-alive\t, Upgrade",
    ])
    .map((value) => [`the connection ${JSON.stringify(value)}`, other("Connection", `Connection: ${value}`)] as const),
  ...["", "h2c", "websocket, h2c", "h2c, websocket", "websocket/13", "websockets", "TLS/1.0"].map(
    (value) => [`an upgrade to ${JSON.stringify(value)}`, other("Upgrade", `Upgrade: ${value}`)] as const,
  ),
  ...["Content-Length: 0", "CONTENT-LENGTH: 5", "Content-Length:", "Transfer-Encoding: chunked", "transfer-encoding: x"]
    .concat(["Expect: 100-continue", "TE: trailers", "Trailer: A", "Set-Cookie: a=b"])
    .map((line) => [line, more(line)] as const),
];

describe("a head is taken: the usual one in its forms", () => {
  test.each(taken)("%s", (_, text) => {
    const read = readUpgradeHead(text);
    expect(read?.length).toBe(text.length);
    const lines = text.split("\r\n").slice(1, -2);
    const pairs = lines.map((line) => /^([^:]*): ?(.*)$/.exec(line)?.slice(1) ?? []);
    expect(read?.url).toBe(text.split(" ")[1]);
    expect(read?.rawHeaders).toEqual(pairs.flat());
    expect(Object.entries(read?.headers ?? {})).toEqual(pairs.map(([name = "", value]) => [name.toLowerCase(), value]));
  });
});

describe("a head is left to Node:", () => {
  test.each(left)("%s", (_, text) => {
    expect(readUpgradeHead(text)).toBeUndefined();
    // Nor does what follows make it another.
    expect(readUpgradeHead(text + head(usual))).toBeUndefined();
  });
});

test.each(taken)("a head that is not whole is left to Node, wherever it ends: %s", (_, text) => {
  for (let end = 0; end < text.length; end += 1) expect(readUpgradeHead(text.slice(0, end))).toBeUndefined();
});

test("what stands behind the empty line is no part of the head", () => {
  const text = head(usual);
  const alone = readUpgradeHead(text);
  for (const behind of ["\0", "\r\n", "\r\n\r\n", "A: b\r\n\r\n", " ", head(usual), "\x81\x85\xff".repeat(1000)]) {
    expect(readUpgradeHead(text + behind)).toEqual(alone);
  }
});
