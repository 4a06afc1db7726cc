import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { join, refusal } from "../helpers/client.ts";
import { get } from "../helpers/get.ts";
import { series } from "../helpers/metrics.ts";
import { sh } from "../helpers/programs.ts";
import { ask, rawRequest } from "../helpers/raw-http.ts";
import { exchange, upgradeRequest } from "../helpers/raw-socket.ts";
import { startServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";

const json = "application/json; charset=utf-8";
const plainText = "text/plain; charset=utf-8";

/** RFC 6455 section 1.3, and the same sum for keys of 13 bytes and of one. */
const rfcKey = { key: "dGhlIHNhbXBsZSBub25jZQ==", accept: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" };
const shortKey = { key: "SGVsbG8sIHdvcmxkIQ==", accept: "qGEgH3En71di5rrssAZTmtRTyFk=" };
const oneByteKey = { key: "YQ==", accept: "elQ7dOiOMi3NaFaxTkGGl+TkVnE=" };

const allowedName = "-._~!$&()*+,;=:@";
const refusedTargets = [
  ["/", "room name is missing: connect to /<room>"],
  ["//room", "room name is missing: connect to /<room>"],
  [`/${"a".repeat(129)}`, "room name is longer than 128 characters"],
  ["/a%20b", "room name may hold only letters, digits and -._~!$&()*+,;=:@"],
  ["/a%2Fb", "room name may hold only letters, digits and -._~!$&()*+,;=:@"],
  ["/a%0Ab", "room name may hold only letters, digits and -._~!$&()*+,;=:@"],
  ["/a%1Bb", "room name may hold only letters, digits and -._~!$&()*+,;=:@"],
  ["/a'b", "room name may hold only letters, digits and -._~!$&()*+,;=:@"],
  ["/%C3%A9", "room name may hold only letters, digits and -._~!$&()*+,;=:@"],
  // Decoded once, this is "a%62".
  ["/a%2562", "room name may hold only letters, digits and -._~!$&()*+,;=:@"],
  ["/.", "room name must not be . or .."],
  ["/..", "room name must not be . or .."],
  ["/%2e%2E/room", "room name must not be . or .."],
  ["/a%ff", "path is not valid percent-encoded UTF-8"],
  ["/a%2", "path is not valid percent-encoded UTF-8"],
  ["/a%00", "path must not hold a NUL"],
  ["/room/a%00", "path must not hold a NUL"],
  ["/api", 'room name "api" is reserved'],
  ["/metrics", 'room name "metrics" is reserved'],
  ["/health", 'room name "health" is reserved'],
  ["/static", 'room name "static" is reserved'],
  ["/upload", 'room name "upload" is reserved'],
  ["/robots.txt", 'room name "robots.txt" is reserved'],
  ["/favicon.ico", 'room name "favicon.ico" is reserved'],
  ["/%6detrics/deeper", 'room name "metrics" is reserved'],
] as const;

test("requests that are sent without waiting for answers are answered in their order", async () => {
  await using folder = await tempFolder();
  const names = Array.from({ length: 20 }, (_, index) => `file-${index}`);
  await Promise.all(names.map(async (name) => writeFile(folder.at(name), `<${name}>`)));
  await using server = await startServer(["--staticdir", folder.path, "cat"]);
  const requests = names.map((name) =>
    rawRequest(`/${name}`, name === names.at(-1) ? {} : { Connection: "keep-alive" }),
  );
  const answers = await exchange(server.port, requests.join(""));
  expect(answers.match(/<[^>]*>/g)).toEqual(names.map((name) => `<${name}>`));
});

test("with an upgrade a path is a room, without one it is the static file of that name", async () => {
  await using folder = await tempFolder();
  await writeFile(folder.at("lobby"), "the file");
  await using server = await startServer(["--staticdir", folder.path, "cat"]);
  await using client = await join(server, "lobby");
  client.send("the room");

  expect(await client.messages(1)).toEqual(["the room"]);
  expect(await get(server, "/lobby")).toMatchObject({ status: 200, body: "the file" });
  expect(await get(server, "/other")).toMatchObject({ status: 404, type: plainText, body: "not found\n" });
});

test("without static files, metrics and statistics there is nothing to get", async () => {
  await using server = await startServer(["cat"]);
  await using client = await join(server, "room");

  const paths = ["/room", "/room/deeper", "/room/stats", "/room/stats/connections", "/index.html", "/favicon.ico"];
  for (const answer of await Promise.all(paths.map((path) => get(server, path)))) {
    expect(answer).toEqual({ status: 404, type: plainText, body: "not found\n" });
  }
  expect(await get(server, "/metrics")).toMatchObject({ status: 404, body: expect.stringContaining("--metrics") });
  const { status, body } = await get(server, "/");
  expect(status).toBe(404);
  expect(body).toContain(`ws://127.0.0.1:${server.port}/<room>`);
  expect(client.received).toEqual([]);
});

test("/health tells that the server is well, and 503 while it shuts down", async () => {
  const stubborn = sh('trap "" TERM; echo ready; while :; do sleep 1; done');
  await using server = await startServer(["--killgrace", "60", ...stubborn]);
  await using client = await join(server, "room");
  await client.messages(1);
  expect(await get(server, "/health")).toMatchObject({ status: 200, type: json, body: '{"status":"ok"}' });

  server.child.kill("SIGTERM");
  await client.closed;
  expect(await get(server, "/health")).toMatchObject({ status: 503, type: json, body: '{"status":"draining"}' });
  const { status, headers, body } = await refusal(server, "another");
  expect({ status, body }).toEqual({ status: 503, body: "server is shutting down\n" });
  expect(headers["retry-after"]).toMatch(/^[1-9]\d*$/);
});

test("/<room>/stats tells how many are in an open room", async () => {
  await using server = await startServer(["--stats", "cat"]);
  await using first = await join(server, "a&b");
  await using second = await join(server, "a%26b");

  expect(await get(server, "/a&b/stats")).toMatchObject({ status: 200, type: json, body: '{"connections":2}' });
  expect(await get(server, "/a%26b/st%61ts?query")).toMatchObject({ status: 200, body: '{"connections":2}' });
  expect(await get(server, "/a&b/stats/connections")).toMatchObject({ status: 200, type: json, body: "2" });
  second.socket.terminate();
  await until(async () => (await get(server, "/a&b/stats/connections")).body === "1", "the client to leave");
  first.socket.terminate();
  await until(async () => (await get(server, "/a&b/stats")).status === 404, "the room to end");
});

test("unknown statistics and rooms that are not open are not found", async () => {
  await using server = await startServer(["--stats", "cat"]);
  await using client = await join(server, "room");

  const statistics = ["messages", "Connections", "__proto__", "toString", "constructor"];
  for (const answer of await Promise.all(statistics.map((name) => get(server, `/room/stats/${name}`)))) {
    expect(answer).toEqual({ status: 404, type: plainText, body: "unknown statistic; known: connections\n" });
  }
  expect((await get(server, "/room/stats/")).status).toBe(404);
  expect((await get(server, "/room/stats/connections/")).status).toBe(404);
  const paths = ["/other/stats", "/other/stats/connections", "/__proto__/stats", "/constructor/stats", "//stats"];
  for (const answer of await Promise.all(paths.map((path) => get(server, path)))) {
    expect(answer).toEqual({ status: 404, type: plainText, body: "room is not open\n" });
  }
  client.socket.terminate();
  await until(async () => (await get(server, "/room/stats")).status === 404, "the room to end");
});

test("reading never creates anything", async () => {
  await using server = await startServer(["--stats", "--metrics", "-v", "cat"]);
  const before = await series(server, "scalesocket_processes_started");
  const paths = ["/room", "/room/stats", "/room/stats/connections", "/room/stats/nothing", "/room/deeper"];
  await Promise.all(paths.flatMap((path) => [get(server, path), server.http(path, { method: "HEAD" })]));

  expect((await get(server, "/room/stats")).status).toBe(404);
  expect(await series(server, "scalesocket_processes_started")).toEqual(before);
  expect(await series(server, "scalesocket_websocket_connections")).toEqual(new Map());
  expect(server.log().trimEnd().split("\n")).toHaveLength(3);
});

test("a room name is decoded once and may have each allowed character and 128 of them", async () => {
  await using server = await startServer(["--stats", ...sh('printf "%s %s\\n" "$ROOM" $$; cat')]);
  const encoded = allowedName.replaceAll(/./g, (character) => `%${character.charCodeAt(0).toString(16)}`);
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

  const names = [allowedName, letters, "a".repeat(128), "...", "METRICS", "__proto__", "constructor"];
  const seen = names.map(async (name) => {
    await using client = await join(server, name);
    const [first] = await client.messages(1);
    return [String(first).split(" ")[0], (await get(server, `/${name}/stats`)).body];
  });
  expect(await Promise.all(seen)).toEqual(names.map((name) => [name, '{"connections":1}']));
  await using plain = await join(server, allowedName);
  await plain.messages(1);
  await using other = await join(server, encoded);
  other.send("hello");
  expect((await plain.messages(2))[1]).toBe("hello");
});

test("any other room name is refused with a text that says why", async () => {
  await using server = await startServer(["--metrics", "cat"]);
  const answers = await Promise.all(refusedTargets.map(([target]) => ask(server.port, upgradeRequest(target))));

  for (const [at, { status, headers, body }] of answers.entries()) {
    const [target, reason] = refusedTargets[at] ?? [];
    expect({ target, status, body }).toEqual({ target, status: 400, body: `${reason}\n` });
    expect(headers.get("content-type")).toBe(plainText);
  }
  expect(await series(server, "scalesocket_websocket_connections")).toEqual(new Map());
});

test("a key of 13 bytes, as in a well-known call of curl, is accepted", async () => {
  await using server = await startServer(sh(`echo '{"message": "hello world"}'; read line`));
  const request = [
    "GET /exampleroom HTTP/1.1",
    "Host: localhost:9000",
    "User-Agent: curl/8.5.0",
    "Accept: */*",
    "Connection: Upgrade",
    "Upgrade: websocket",
    `Sec-WebSocket-Key: ${shortKey.key}`,
    "Sec-WebSocket-Version: 13",
  ];
  const socket = connect(server.port, "127.0.0.1");
  let received = "";
  socket.setEncoding("latin1").on("data", (text: string) => {
    received += text;
  });
  socket.write(`${request.join("\r\n")}\r\n\r\n`);
  await until(
    () => received.endsWith("}"),
    () => `a message, got ${received}`,
  );
  socket.destroy();

  const [head = "", frame] = received.split("\r\n\r\n");
  expect(head.split("\r\n")[0]).toBe("HTTP/1.1 101 Switching Protocols");
  expect(head.split("\r\n").slice(1).toSorted()).toEqual([
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${shortKey.accept}`,
    "Upgrade: websocket",
  ]);
  expect(frame).toBe('\u0081\u001a{"message": "hello world"}');
});

test("a sound handshake is accepted, and nothing is agreed on besides", async () => {
  await using server = await startServer(["cat"]);
  const cases: readonly [Readonly<Record<string, string>>, string][] = [
    [{}, rfcKey.accept],
    [{ "Sec-WebSocket-Key": oneByteKey.key }, oneByteKey.accept],
    [{ Connection: "keep-alive, upgrade", Upgrade: "WebSocket" }, rfcKey.accept],
    [{ "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits" }, rfcKey.accept],
    [{ Origin: "https://elsewhere.example" }, rfcKey.accept],
  ];
  const answers = await Promise.all(cases.map(([headers]) => ask(server.port, upgradeRequest("/room", headers))));

  for (const [at, answer] of answers.entries()) {
    const [headers, accept] = cases[at] ?? [];
    expect([headers, answer.status]).toEqual([headers, 101]);
    expect([...answer.headers].toSorted(([a], [b]) => a.localeCompare(b))).toEqual([
      ["connection", "Upgrade"],
      ["sec-websocket-accept", accept],
      ["upgrade", "websocket"],
    ]);
  }
});

test("a deeper path joins the room of its first segment and becomes PATH_INFO", async () => {
  await using server = await startServer(sh('echo "$SCRIPT_NAME|$PATH_INFO|$QUERY_STRING"; cat'));
  await using deep = await join(server, "room/a%20b/c%2Fd?x=%20&y");
  await using shallow = await join(server, "other");
  await using slash = await join(server, "third/");
  await using sharing = await join(server, "room/elsewhere");
  sharing.send("hello");

  expect(await deep.messages(2)).toEqual(["/room|/a b/c/d|x=%20&y", "hello"]);
  expect(await shallow.messages(1)).toEqual(["/other||"]);
  expect(await slash.messages(1)).toEqual(["/third|/|"]);
});

test("HEAD gets the headers that GET would get, and no body", async () => {
  await using folder = await tempFolder();
  await mkdir(folder.at("folder"));
  await writeFile(folder.at("folder/index.html"), "<p>hello");
  await using server = await startServer(["--metrics", "--stats", "--staticdir", folder.path, "cat"]);
  await using client = await join(server, "room");

  const paths = ["/health", "/metrics", "/room/stats", "/folder/", "/folder", "/nothing", "/%ff"];
  const askAll = (method: string) => Promise.all(paths.map((path) => ask(server.port, rawRequest(path, {}, method))));
  const [wholes, heads] = [await askAll("GET"), await askAll("HEAD")];
  for (const [at, head] of heads.entries()) {
    const path = paths[at];
    const whole = wholes[at];
    expect([path, head.status]).toEqual([path, whole?.status]);
    expect(head.body).toBe("");
    expect(whole?.body).not.toBe("");
    expect(withoutChanging(head.headers)).toEqual(withoutChanging(whole?.headers));
    expect(Number(head.headers.get("content-length"))).toBeGreaterThan(0);
  }
  expect(client.received).toEqual([]);
});

test("methods other than GET and HEAD are refused with 405", async () => {
  await using server = await startServer(["--metrics", "cat"]);

  const methods = ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"];
  for (const answer of await Promise.all(
    methods.map((method) => ask(server.port, rawRequest("/health", {}, method))),
  )) {
    expect(answer).toMatchObject({ status: 405, body: "only GET and HEAD are allowed\n" });
    expect(answer.headers.get("allow")).toBe("GET, HEAD");
  }
});

test("an upgrade to another protocol is served as plain HTTP", async () => {
  await using folder = await tempFolder();
  const large = "x".repeat(1_000_000);
  await writeFile(folder.at("large.txt"), large);
  await using server = await startServer(["--staticdir", folder.path, "cat"]);
  const h2c = { Connection: "Upgrade, HTTP2-Settings", Upgrade: "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__" };
  const askFor = (path: string, method = "GET") => ask(server.port, rawRequest(path, h2c, method));

  const health = await askFor("/health");
  expect(health).toMatchObject({ status: 200, body: '{"status":"ok"}' });
  expect(health.headers.has("upgrade")).toBe(false);
  expect(health.headers.get("connection")).toBe("close");
  expect((await askFor("/large.txt")).body === large).toBe(true);
  expect(await askFor("/nothing")).toMatchObject({ status: 404, body: "not found\n" });
  expect(await askFor("/health", "POST")).toMatchObject({ status: 405 });
  // Without "Connection: Upgrade" nobody asks for one.
  expect(await ask(server.port, upgradeRequest("/nothing", { Connection: "close" }))).toMatchObject({ status: 404 });
});

test("requests that do not wait for the answer to the one before do no harm", async () => {
  await using folder = await tempFolder();
  await writeFile(folder.at("large.txt"), "x".repeat(1_000_000));
  await using server = await startServer(["--staticdir", folder.path, "--metrics", "cat"]);
  const plain = "GET /large.txt HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const seconds = [
    upgradeRequest("/room"),
    upgradeRequest("/no room"),
    upgradeRequest("/a%20b"),
    upgradeRequest("/nothing", { Upgrade: "h2c" }),
    upgradeRequest("/large.txt", { Upgrade: "h2c" }),
  ];
  await Promise.all(seconds.map((second) => exchange(server.port, plain + second)));

  expect(server.child.exitCode).toBe(null);
  expect((await get(server, "/health")).status).toBe(200);
  const two = plain.replace("/large.txt", "/health") + rawRequest("/metrics");
  expect(await exchange(server.port, two)).toMatch(/"status":"ok"[^]*# EOF\n$/);
});

test("a connection that ends in the middle of a handshake does no harm", async () => {
  await using server = await startServer(["cat"]);
  const request = upgradeRequest("/room");
  const socket = connect(server.port, "127.0.0.1");
  socket.write(request.slice(0, -2));
  socket.end();
  await once(socket.resume(), "close");
  const reset = connect(server.port, "127.0.0.1");
  reset.write(request);
  reset.resetAndDestroy();
  await once(reset, "close");
  await using client = await join(server, "room");
  client.send("hello");

  expect(await client.messages(1)).toEqual(["hello"]);
});

function withoutChanging(headers: ReadonlyMap<string, string> | undefined): [string, string][] {
  const isOfMetrics = headers?.get("content-type")?.startsWith("application/openmetrics") ?? false;
  const changing = new Set(["date", ...(isOfMetrics ? ["content-length"] : [])]);
  return [...(headers ?? [])].filter(([name]) => !changing.has(name));
}
