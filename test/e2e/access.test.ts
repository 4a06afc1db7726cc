import { once } from "node:events";
import { request, type RequestOptions } from "node:http";
import { describe, expect, test } from "vitest";
import { join } from "../helpers/client.ts";
import { operatorsOf } from "../helpers/operators.ts";
import { sh } from "../helpers/programs.ts";
import { ask, rawRequest } from "../helpers/raw-http.ts";
import { upgradeRequest } from "../helpers/raw-socket.ts";
import { runToEnd, startServer, type TestServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";

type Headers = Readonly<Record<string, string>>;

/** The status of the answer to a websocket, and to a plain request. */
async function statuses(server: TestServer, headers: Headers): Promise<[number, number]> {
  const websocket = await ask(server.port, upgradeRequest("/a", headers));
  const plain = await ask(server.port, rawRequest("/health", headers));
  return [websocket.status, plain.status];
}

/** The status of the answer to a request for a host that comes to some address. */
async function statusAt(address: RequestOptions, host: string): Promise<number | undefined> {
  const asking = request({ ...address, path: "/health", headers: { Host: host } }).end();
  const [response] = await once(asking, "response");
  response.resume();
  return response.statusCode;
}

const open = [101, 200];
const shut = [403, 403];

describe.each([["0"], ["2"]])("with --workers %s", (workers) => {
  test("a server on loopback answers for this machine only, and its refusal says what to do", async () => {
    await using server = await startServer(["--workers", workers, "cat"]);
    const { port } = server;
    for (const host of ["localhost", "127.0.0.1", "[::1]", `LOCALHOST:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]) {
      expect(await statuses(server, { Host: host }), host).toEqual(open);
    }
    for (const host of ["evil.example", `evil.example:${port}`, "localhost.evil.example", "127.0.0.2", "a b"]) {
      expect(await statuses(server, { Host: host }), host).toEqual(shut);
    }
    const { body } = await ask(port, upgradeRequest("/a", { Host: "example.com" }));
    expect(body).toBe(
      "example.com is not among the hosts that this server answers for; if it should be, start the server with " +
        "--allowhost example.com, or with --allowhost '*' for all\n",
    );
    const notice = "only requests for localhost, 127.0.0.1, [::1] are answered; behind a proxy";
    await until(() => server.log().includes(notice), "the log to tell for whom there are answers");
    const refused = "refused with 403: example.com is not among";
    await until(() => server.log().includes(refused), "the log to tell of it");
  });

  test("--origin lets in pages of its origins and who is no browser, and nobody else", async () => {
    const list = "https://example.com,http://localhost:3000,https://bücher.example";
    await using server = await startServer(["--workers", workers, "--origin", list, "cat"]);
    for (const origin of ["https://example.com", "http://localhost:3000", "https://xn--bcher-kva.example"]) {
      expect(await statuses(server, { Origin: origin }), origin).toEqual(open);
    }
    for (const origin of [
      "http://example.com",
      "https://example.com.evil.example",
      "http://localhost:3001",
      "null",
      "",
    ]) {
      expect(await statuses(server, { Origin: origin }), origin).toEqual([403, 200]);
    }
    expect(await statuses(server, {})).toEqual(open);
    const twice = upgradeRequest("/a").replace(
      "\r\n\r\n",
      "\r\nOrigin: https://example.com\r\norigin: https://example.com\r\n\r\n",
    );
    expect((await ask(server.port, twice)).status).toBe(403);
  });
});

test.each(["127.1:0", "[::ffff:127.0.0.1]:0"])(
  "a server on loopback that is written as %s is one, too",
  async (address) => {
    await using server = await startServer(["cat"], { addresses: [address] });
    expect(await statuses(server, {})).toEqual(open);
    expect(await statuses(server, { Host: "evil.example" })).toEqual(shut);
  },
);

test("--allowhost says for which hosts there are answers, also on loopback", async () => {
  await using server = await startServer(["--allowhost", "example.com,other.example:8443", "cat"]);
  for (const host of ["example.com", "Example.com:1", "other.example:8443"]) {
    expect(await statuses(server, { Host: host }), host).toEqual(open);
  }
  for (const host of ["localhost", "www.example.com", "other.example", "other.example:8444"]) {
    expect(await statuses(server, { Host: host }), host).toEqual(shut);
  }
  expect(server.log()).not.toContain("only requests for");
  const withoutHost = await ask(server.port, "GET /health HTTP/1.0\r\n\r\n");
  expect(withoutHost.status).toBe(200);
  const absolute = await ask(server.port, rawRequest("http://evil.example/health", { Host: "example.com" }));
  expect(absolute.status).toBe(403);
});

test.each([
  ["--allowhost '*'", ["--allowhost", "*"]],
  ["an address that others can reach", ["--addr", "0.0.0.0:0"]],
])("with %s any host is answered for", async (_, words) => {
  await using server = await startServer([...words, "cat"]);
  expect(await statuses(server, { Host: "evil.example" })).toEqual(open);
  expect(server.log()).not.toContain("only requests for");
});

test("a unix socket beside loopback is for any host, as proxies pass them on, and loopback is not", async () => {
  await using folder = await tempFolder();
  await using server = await startServer(["--unixsocket", folder.at("s"), "cat"]);
  expect(await statuses(server, { Host: "evil.example" })).toEqual(shut);
  expect(await statuses(server, {})).toEqual(open);
  expect(await statusAt({ socketPath: folder.at("s") }, "example.com")).toBe(200);
});

test("an address for operators that others can reach does not open loopback to other hosts", async () => {
  await using server = await startServer(["--adminaddr", "0.0.0.0:0", "cat"]);
  const { port } = operatorsOf(server);
  expect(await statuses(server, { Host: "evil.example" })).toEqual(shut);
  expect(await statusAt({ host: "127.0.0.1", port }, "evil.example")).toBe(403);
});

test("with two Host headers there is no answer, though both are good", async () => {
  await using server = await startServer(["cat"]);
  const twice = rawRequest("/health").replace("\r\n\r\n", "\r\nHost: localhost\r\n\r\n");
  expect((await ask(server.port, twice)).status).toBe(400);
});

test("--sameorigin lets in pages of the host that they ask, and with --origin others, too", async () => {
  await using server = await startServer(["--sameorigin", "--origin", "https://example.com", "cat"]);
  const { port } = server;
  const isLetIn = async (host: string, origin: string): Promise<boolean> =>
    (await statuses(server, { Host: host, Origin: origin }))[0] === 101;
  expect(await isLetIn(`localhost:${port}`, `http://localhost:${port}`)).toBe(true);
  expect(await isLetIn("localhost", "http://LOCALHOST:80")).toBe(true);
  expect(await isLetIn(`localhost:${port}`, "https://example.com")).toBe(true);
  expect(await isLetIn(`localhost:${port}`, `https://localhost:${port}`)).toBe(false);
  expect(await isLetIn(`localhost:${port}`, "http://localhost")).toBe(false);
  expect(await isLetIn(`localhost:${port}`, `http://127.0.0.1:${port}`)).toBe(false);
  expect(await isLetIn(`localhost:${port}`, "http://example.com")).toBe(false);
});

describe("--trustproxy", () => {
  const program = sh(
    'echo "$REMOTE_ADDR $REMOTE_HOST $REMOTE_PORT ${HTTPS-} $SERVER_NAME $SERVER_PORT $HTTP_X_FORWARDED_FOR"',
  );

  const headers = {
    "X-Forwarded-For": "1.1.1.1, 203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "example.com",
  };

  test("lets the process know who the client is, and under which name it came", async () => {
    await using server = await startServer(["--trustproxy", "loopback", "--allowhost", "example.com", ...program]);
    expect(await told(server, headers)).toBe("203.0.113.9 203.0.113.9  on example.com 443 1.1.1.1, 203.0.113.9");
  });

  test("tells in a browser where websockets connect to, as seen from there", async () => {
    await using server = await startServer(["--trustproxy", "loopback", "--allowhost", "*", "cat"]);
    const text = async (more: Headers): Promise<string> => (await ask(server.port, rawRequest("/", more))).body;
    expect(await text(headers)).toContain("Connect a websocket to wss://example.com/<room>,");
    expect(await text({ Host: "localhost:9000" })).toContain("Connect a websocket to ws://localhost:9000/<room>,");
  });

  test("believes Forwarded, too, and follows it through several proxies", async () => {
    await using server = await startServer(["--trustproxy", "loopback,10.0.0.0/8", "--allowhost", "*", ...program]);
    const forwarded =
      'for=1.1.1.1;host=evil.example, for="[2001:db8::9]:4711";host="example.com:8443";proto=https, for=10.0.0.7';
    expect(await told(server, { Forwarded: forwarded })).toBe("2001:db8::9 2001:db8::9 4711 on example.com 8443 ");
  });

  test("believes nobody else: what they send are just headers", async () => {
    await using server = await startServer(["--trustproxy", "127.0.0.2,10.0.0.0/8,unix", ...program]);
    const line = await told(server, { ...headers, Forwarded: "for=1.1.1.1;proto=https;host=evil.example" });
    expect(line).toMatch(/^127\.0\.0\.1 127\.0\.0\.1 \d{4,5}  127\.0\.0\.1 \d{4,5} 1\.1\.1\.1, 203\.0\.113\.9$/);
  });

  test("makes the forwarded host the one that must be allowed, and the forwarded origin the same one", async () => {
    await using server = await startServer([
      "--trustproxy",
      "loopback",
      "--allowhost",
      "example.com",
      "--sameorigin",
      "cat",
    ]);
    const page = { ...headers, Host: "backend", Origin: "https://example.com" };
    expect(await statuses(server, page)).toEqual(open);
    expect(await statuses(server, { ...page, "X-Forwarded-Host": "evil.example" })).toEqual(shut);
    expect(await statuses(server, { ...page, Origin: "http://example.com" })).toEqual([403, 200]);
  });

  test("refuses what cannot be relied on", async () => {
    await using server = await startServer(["--trustproxy", "loopback", "cat"]);
    expect(await statuses(server, { Forwarded: "for=203.0.113.9", "X-Forwarded-For": "203.0.113.9" })).toEqual(open);
    expect(await statuses(server, { Forwarded: "for=203.0.113.8", "X-Forwarded-For": "203.0.113.9" })).toEqual([
      400, 400,
    ]);
    expect(await statuses(server, { Forwarded: 'for="203.0.113.9' })).toEqual([400, 400]);
    expect(await statuses(server, { Forwarded: 'for="203.0.113.9"' })).toEqual(open);
  });
});

test.each([
  ["--origin", "https://example.com/path"],
  ["--origin", "https://*.example.com"],
  ["--origin", "example.com"],
  ["--allowhost", "https://example.com"],
  ["--trustproxy", "everybody"],
  ["--trustproxy", "10.0.0.0/33"],
  ["--maxperip", "0"],
  ["--connrate", "none"],
  ["--maxhandshakes", "0"],
])("%s %s is a usage error", async (flag, value) => {
  const { code, stderr } = await runToEnd([flag, value, "cat"]);
  expect(code).toBe(2);
  expect(stderr).toMatch(
    new RegExp(
      `^scalesocket: ${flag}: expected .+, got ${JSON.stringify(value).replaceAll(/[*.]/g, String.raw`\$&`)}\n`,
    ),
  );
});

/** What the process is told of the client that has started its room. */
async function told(server: TestServer, headers: Headers): Promise<string> {
  await using client = await join(server, "a", { headers });
  const [line] = await client.messages(1);
  return String(line);
}
