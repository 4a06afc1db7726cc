import { expect, test } from "vitest";
import { makeCertificate } from "../helpers/certificates.ts";
import { ask, rawRequest } from "../helpers/raw-http.ts";
import { upgradeRequest } from "../helpers/raw-socket.ts";
import { runToEnd, startServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

test("--redirect leads every request to the same place over https, at the port where that is", async () => {
  await using server = await startRedirecting();
  const cases = [
    ["example.org", "/", "example.org", "/"],
    ["example.org:80", "/a%20b/c?x=1&y=%2F", "example.org", "/a%20b/c?x=1&y=%2F"],
    ["EXAMPLE.org:8080", "/health", "EXAMPLE.org", "/health"],
    ["127.0.0.1:", "/metrics", "127.0.0.1", "/metrics"],
    ["[::1]:9000", "/?", "[::1]", "/?"],
    ["under_score.example", "//evil.example/x", "under_score.example", "//evil.example/x"],
    ["example.org", "/\\evil.example", "example.org", "/\\evil.example"],
    ["example.org", '/"><script>', "example.org", '/"><script>'],
    ["example.org", "http://other.example/path?q", "example.org", "/path?q"],
    ["example.org", "HTTP://other.example", "example.org", "/"],
  ] as const;
  for (const [host, target, toHost, path] of cases) {
    const { status, headers } = await ask(server.redirectPort, rawRequest(target, { Host: host }));
    const location = `https://${toHost}:${server.port}${path}`;
    expect([host, target, status, headers.get("location")]).toEqual([host, target, 308, location]);
    expect(headers.get("connection")).toBe("close");
  }
});

test.each(["POST", "HEAD", "OPTIONS", "PURGE"])("%s is led there too, body or not", async (method) => {
  await using server = await startRedirecting();
  const request = `${rawRequest("/a", { "Content-Length": "100000" }, method)}not all of it`;
  const { status, headers, body } = await ask(server.redirectPort, request);
  expect(status).toBe(308);
  expect(headers.get("location")).toBe(`https://localhost:${server.port}/a`);
  expect(body).toBe(method === "HEAD" ? "" : `use https://localhost:${server.port}/a\n`);
});

test("a websocket is not opened there, but led away", async () => {
  await using server = await startRedirecting();
  const { status, headers } = await ask(server.redirectPort, upgradeRequest("/room"));
  expect(status).toBe(308);
  expect(headers.get("location")).toBe(`https://localhost:${server.port}/room`);
});

test("a host that cannot stand in a url leads nowhere", async () => {
  await using server = await startRedirecting();
  const hosts = [
    "",
    "a b",
    "user@evil.example",
    "evil.example/",
    "evil.example?x=",
    "evil.example#",
    "evil.example\\@good.example",
    "a,b",
    "good.example:80:evil.example",
    "good.example:123456",
    "[::1",
    "[::1]evil.example",
    "[x]",
    "caf\u00e9",
    "%0d%0aSet-Cookie:x",
    "x".repeat(254),
  ];
  for (const host of hosts) {
    const { status, headers } = await ask(server.redirectPort, rawRequest("/", { Host: host }));
    expect([host, status]).toEqual([host, 400]);
    expect(headers.has("location")).toBe(false);
  }
  expect((await ask(server.redirectPort, "GET / HTTP/1.0\r\n\r\n")).status).toBe(400);
  expect((await ask(server.redirectPort, rawRequest("*", {}, "OPTIONS"))).status).toBe(400);
  expect((await ask(server.redirectPort, rawRequest("/", { Host: "x".repeat(253) }))).status).toBe(308);
});

test("--header is on these answers too", async () => {
  await using server = await startRedirecting(["--header", "X-Site: a", "--header=X-Content-Type-Options: other"]);
  for (const host of ["example.org", "a b"]) {
    const { headers } = await ask(server.redirectPort, rawRequest("/", { Host: host }));
    expect([headers.get("x-site"), headers.get("x-content-type-options")]).toEqual(["a", "other"]);
  }
});

test("without TLS there is nothing to lead to", async () => {
  const { code, stderr } = await runToEnd(["--redirect", "127.0.0.1:0", "cat"]);
  expect(code).toBe(2);
  expect(stderr).toContain("--redirect=127.0.0.1:0 leads to https, so it needs --tlscert and --tlskey");
});

async function startRedirecting(words: readonly string[] = []) {
  const folder = await tempFolder();
  const { cert, key } = await makeCertificate(folder, "server");
  const redirecting = ["--tlscert", cert, "--tlskey", key, "--redirect", "127.0.0.1:0"];
  const server = await startServer([...redirecting, ...words, "cat"]);
  const [, digits] = /listening on 127\.0\.0\.1:(\d+) to redirect to https\n/.exec(server.log()) ?? [];
  return {
    port: server.port,
    redirectPort: Number(digits),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}
