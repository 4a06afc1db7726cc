import type { Random } from "../observed/random.ts";
import type { Configuration } from "./configurations.ts";

const rooms = 4;

/** Lines that some requests have and that somebody reads. */
const headerLines = [
  "X-Forwarded-For: 203.0.113.7, 10.0.0.1",
  "X-Forwarded-Proto: https",
  "X-Forwarded-Host: example.com",
  'Forwarded: for="[2001:db8::1]:47011";proto=https;host=example.com, for=_hidden',
  "Origin: https://example.com",
  "Origin: null",
  "Authorization: Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJyb290In0.",
  "Authorization: Basic YW5uOnNlY3JldA==",
  "Cookie: a=b; c=d",
  "Proxy: http://evil.example",
  "Sec-WebSocket-Protocol: one, two, scalesocket.auth.a.b.c",
  'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-other; a="b"',
  "Content-Length: 4",
  "Transfer-Encoding: chunked",
  "Expect: 100-continue",
  "Range: bytes=0-10,20-",
  'If-None-Match: W/"1"',
  "Connection: keep-alive, Upgrade",
  "Upgrade: h2c, websocket",
];

const targets = [
  "/",
  "/health",
  "/metrics",
  "/api/rooms/",
  "/api/fuzz-1/connections",
  "/fuzz-1/stats",
  "/fuzz-1/stats/connections",
  "/index.html?a=b",
  "/%2e%2e/%2e%2e/etc/passwd",
  "/fuzz-1/a%20b?name=%22%0a#c",
  "http://localhost/fuzz-1",
  "*",
];

/** First bytes of what is no HTTP/1.1: TLS, HTTP/2, SOCKS, and nothing. */
const otherProtocols = [
  Buffer.from("160301020001000 1fc0303".replaceAll(" ", ""), "hex"),
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"),
  Buffer.of(5, 1, 0),
  Buffer.from("\r\n\r\n\r\n"),
];

/** A request that lets its client in. */
export function upgradeRequest(random: Random, { name, prefix, headers }: Configuration): Buffer {
  const extension = name === "compress" ? ["Sec-WebSocket-Extensions: permessage-deflate"] : [];
  const query = random.next() < 0.3 ? "?name=a%22b&x=%0a" : "";
  return request("GET", `${prefix}/fuzz-${random.between(1, rooms)}${query}`, [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    ...headers,
    ...extension,
  ]);
}

/** A request that might come in, with headers that might be read, or what another protocol begins with. */
export function anyRequest(random: Random, configuration: Configuration): Buffer {
  const chance = random.next();
  if (chance < 0.03) return random.pick(otherProtocols) ?? Buffer.alloc(0);
  const more = Array.from({ length: random.between(0, 4) }, () => random.pick(headerLines) ?? "");
  if (chance < 0.4) return withLines(upgradeRequest(random, configuration), more);
  const method = random.pick(["GET", "GET", "GET", "HEAD", "POST", "OPTIONS", "CONNECT", "PUT"]) ?? "GET";
  const target = `${random.next() < 0.7 ? configuration.prefix : ""}${random.pick(targets) ?? "/"}`;
  const body = random.next() < 0.2 ? "4\r\nabcd\r\n0\r\n\r\n" : "";
  return Buffer.concat([request(method, target, more), Buffer.from(body)]);
}

function request(method: string, target: string, lines: readonly string[]): Buffer {
  return Buffer.from([`${method} ${target} HTTP/1.1`, "Host: localhost", ...lines, "\r\n"].join("\r\n"));
}

function withLines(bytes: Buffer, lines: readonly string[]): Buffer {
  const end = bytes.length - 2;
  return Buffer.concat([
    bytes.subarray(0, end),
    ...lines.map((line) => Buffer.from(`${line}\r\n`)),
    bytes.subarray(end),
  ]);
}
