import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, test as plainTest } from "vitest";
import { join, refusal, type TestClient } from "../helpers/client.ts";
import { withoutSpace } from "../helpers/json-texts.ts";
import { dropped, metric } from "../helpers/metrics.ts";
import { freePorts, listen } from "../helpers/ports.ts";
import { isAlive } from "../helpers/processes.ts";
import { programPath, sh } from "../helpers/programs.ts";
import {
  binary,
  close,
  closeFrame,
  continuation,
  frame,
  inFragments,
  ping,
  RawClient,
  text,
} from "../helpers/raw-client.ts";
import { exchange, upgradeRequest } from "../helpers/raw-socket.ts";
import { startServer, type TestServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";

const room = "r";
const path = `/${room}`;

/** One server that repeats what it hears, for all cases that only differ in what they send to it. */
const test = plainTest.extend<{ server: TestServer }>({
  server: [
    async ({}, use) => {
      await using server = await startWith(["--maxmessage=64K", "cat"]);
      await use(server);
    },
    { scope: "file" },
  ],
});

function startWith(words: readonly string[]): Promise<TestServer> {
  return startServer(["--stats", ...words]);
}

/** All processes of the server's rooms and whatever those have started: each inherits the server's port. */
function processesOf(server: TestServer): number[] {
  const mark = `SERVER_PORT=${server.port}\0`;
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => environmentOf(pid).includes(mark) && isAlive(pid));
}

function environmentOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1");
  } catch {
    return "";
  }
}

async function statsOf(server: TestServer, name = room): Promise<string> {
  const response = await server.http(`/${name}/stats`);
  return response.status === 200 ? response.text() : String(response.status);
}

async function hasConnections(server: TestServer, count: number, name = room): Promise<void> {
  let last = "";
  const isSo = async (): Promise<boolean> => {
    last = await statsOf(server, name);
    return last === (count === 0 ? "404" : `{"connections":${count}}`);
  };
  await until(isSo, () => `${count} connections in ${name}, got ${last}\n${server.log()}`);
}

/** A client that asks to join and resets its connection without waiting for the answer. */
async function resetOnArrival(server: TestServer, bytes: string = upgradeRequest(path)): Promise<void> {
  await using client = new RawClient(server);
  await client.send(bytes);
  client.socket.resetAndDestroy();
  await client.ended;
}

/** The answer to a client that wants to join, whatever becomes of it then. */
async function statusOf(server: TestServer): Promise<number> {
  await using client = new RawClient(server);
  await client.send(upgradeRequest(path));
  await until(() => client.head !== "", "an answer");
  return Number(client.head.split(" ")[1]);
}

async function isGone(server: TestServer, ...rooms: readonly string[]): Promise<void> {
  await Promise.all(rooms.map(async (name) => hasConnections(server, 0, name)));
}

/** The server is well, and nothing of its rooms is left behind. */
async function isUnharmed(server: TestServer, ...rooms: readonly string[]): Promise<void> {
  await isGone(server, room, ...rooms);
  await until(
    () => processesOf(server).length === 0,
    () => `no process to be left: ${processesOf(server).join(" ")}\n${server.log()}`,
  );
  const health = await server.http("/health");
  expect(await health.text()).toBe(`{"status":"ok"}`);
  expect(server.child.exitCode).toBeNull();
}

/** A well-behaved client finds nobody else in the room and is heard: all that came before it is over. */
async function servesOthers(server: TestServer): Promise<void> {
  {
    await using client = await join(server, room);
    client.send("hello");
    expect(await client.messages(1)).toEqual(["hello"]);
    await hasConnections(server, 1);
  }
  await isUnharmed(server);
}

async function leave(...clients: readonly TestClient[]): Promise<void> {
  for (const { socket } of clients) socket.close();
  await Promise.all(clients.map(async ({ closed }) => closed));
}

/** An upgrade request with one line changed. */
function request(line: string, replacement: string): string {
  const whole = upgradeRequest(path);
  if (!whole.includes(line)) throw new Error(`no ${line} in the request`);
  return whole.replace(line, replacement);
}

const host = "Host: localhost\r\n";
const key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const version = "Sec-WebSocket-Version: 13\r\n";
const badProtocols = "Sec-WebSocket-Protocol must be a list of different names";
const notUtf8 = Buffer.of(0x61, 0xff, 0x62);

describe("requests that are not quite an upgrade", () => {
  test.for([
    ["no key", 400, request(key, ""), "Sec-WebSocket-Key must be base64"],
    ["an empty key", 400, request(key, "Sec-WebSocket-Key:\r\n"), "Sec-WebSocket-Key must be base64"],
    [
      "a key with bad characters",
      400,
      request(key, "Sec-WebSocket-Key: dGhl!HNhbXBs?SBub25jZQ==\r\n"),
      "Sec-WebSocket-Key must be base64",
    ],
    ["two keys", 400, request(key, key + key), "Sec-WebSocket-Key must be base64"],
    ["no version", 400, request(version, ""), "Sec-WebSocket-Version must be 13"],
    ["an old version", 400, request(version, "Sec-WebSocket-Version: 8\r\n"), "Sec-WebSocket-Version must be 13"],
    ["POST", 400, request("GET", "POST"), "a websocket is asked for with GET, not POST"],
    ["HEAD", 400, request("GET", "HEAD"), ""],
    ["HTTP/1.0", 400, request("HTTP/1.1", "HTTP/1.0"), "a websocket is asked for with HTTP/1.1, not 1.0"],
    ["HTTP/2.0", 400, request("HTTP/1.1", "HTTP/2.0")],
    ["no Host", 400, request(host, ""), "there must be one Host header"],
    ["two Hosts", 400, request(host, `${host}Host: elsewhere\r\n`)],
    ["an empty subprotocol", 400, request(host, `${host}Sec-WebSocket-Protocol: a,,b\r\n`), badProtocols],
    ["a subprotocol twice", 400, request(host, `${host}Sec-WebSocket-Protocol: a, a\r\n`), badProtocols],
    ["a header line without a colon", 400, request(host, `${host}nothing here\r\n`)],
    ["a header name with a space", 400, request(host, `${host}A B: c\r\n`)],
    ["a header value with a NUL", 400, request(host, `${host}A: b\0c\r\n`)],
    ["a header of 20,000 bytes", 431, request(host, `${host}A: ${"x".repeat(20_000)}\r\n`)],
    ["10,000 headers", 431, request(host, host + "A: b\r\n".repeat(10_000))],
    ["a path of 20,000 bytes", 431, request(path, `/${"x".repeat(20_000)}`)],
    ["a path that is not percent-encoded UTF-8", 400, request(path, "/%ff")],
    ["a path with a NUL", 400, request(path, `${path}%00`)],
    ["a NUL behind the room", 400, request(path, `${path}/a%00b`)],
    ["a query with a raw NUL", 400, request(path, `${path}?a=\0`)],
    ["a path without a slash", 400, request(path, room)],
    ["garbage", 400, Buffer.from(Array.from({ length: 2000 }, (_, at) => (at * 7 + 128) & 0xff))],
    ["frames without a handshake", 400, Buffer.concat([frame(text, "hello"), frame(close)])],
  ] as const)("%s: the answer is %i, and nobody joins", async ([, status, bytes, reason], { server }) => {
    const answer = await exchange(server.port, bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    if (reason !== undefined) expect(answer.split("\r\n\r\n")[1]).toBe(reason === "" ? "" : `${reason}\n`);
    expect(answer).not.toContain(" 101 ");
    await servesOthers(server);
  });

  test("whoever asks for another version of the protocol is told which one there is, and nobody else", async ({
    server,
  }) => {
    const answer = await exchange(server.port, request(version, "Sec-WebSocket-Version: 99\r\n"));
    expect(answer).toMatch(/\r\nSec-WebSocket-Version: 13\r\n/);
    expect(await exchange(server.port, request(key, ""))).not.toContain("Sec-WebSocket-Version");
    await isUnharmed(server);
  });

  test("a request that stops half-way and is closed leaves nothing behind", async ({ server }) => {
    const whole = upgradeRequest(path);
    for (const length of [1, 20, whole.length - 2]) {
      await using client = new RawClient(server);
      await client.send(whole.slice(0, length));
      client.socket.end();
      await client.ended;
      expect(client.head).not.toContain(" 101 ");
    }
    await servesOthers(server);
  });

  test("an upgrade that is reset at once leaves nothing behind, however often, be it a good one or not", async ({
    server,
  }) => {
    for (const bytes of [upgradeRequest(path), request(key, "")]) {
      await Promise.all(Array.from({ length: 50 }, async () => resetOnArrival(server, bytes)));
    }
    await servesOthers(server);
  });

  test("an upgrade whose other half is closed at once leaves nothing behind", async ({ server }) => {
    await using client = new RawClient(server);
    await client.send(upgradeRequest(path));
    client.socket.end();
    await client.ended;
    await servesOthers(server);
  });
});

describe("frames", () => {
  test("bytes that come right behind the upgrade, in one packet with it, arrive as messages", async ({ server }) => {
    {
      await using client = new RawClient(server);
      await client.send(
        upgradeRequest(path),
        frame(text, "one"),
        frame(text, "two"),
        frame(text, "half").subarray(0, 7),
      );
      expect(await client.messages(2)).toEqual(["one", "two"]);
      await client.send(frame(text, "half").subarray(7));
      expect(await client.messages(3)).toEqual(["one", "two", "half"]);
    }
    await isUnharmed(server);
  });

  test("as many one-byte fragments as are allowed, with pings between them, are one message", async ({ server }) => {
    const content = "01234567".repeat(128);
    {
      await using client = new RawClient(server);
      await client.join(path);
      const fragments = inFragments(content);
      const middle = 7 * 512;
      await client.send(fragments.subarray(0, middle), frame(ping, "are you there"), fragments.subarray(middle));
      expect(await client.messages(1)).toEqual([content]);
      expect(client.frames[0]).toMatchObject({ opcode: 0xa, payload: Buffer.from("are you there") });
    }
    await isUnharmed(server);
  });

  const reasons = {
    1002: /^Invalid WebSocket frame: ./,
    1007: /^Invalid WebSocket frame: invalid UTF-8 sequence$/,
    1008: /^too many fragments$/,
    1009: /^message is larger than 65536 bytes$/,
  } as const;
  test.for([
    ["a frame that is not masked", 1002, [frame(text, "bad", { isMasked: false })]],
    ["the first reserved bit", 1002, [frame(text, "bad", { reservedBits: 4 })]],
    ["the second reserved bit", 1002, [frame(text, "bad", { reservedBits: 2 })]],
    ["the third reserved bit", 1002, [frame(text, "bad", { reservedBits: 1 })]],
    ["an unknown opcode", 1002, [frame(0x3, "bad")]],
    ["an unknown opcode of control", 1002, [frame(0xb, "bad")]],
    ["a control frame in fragments", 1002, [frame(ping, "bad", { isFinal: false })]],
    ["a control frame of 126 bytes", 1002, [frame(ping, "x".repeat(126))]],
    ["a continuation of nothing", 1002, [frame(continuation, "bad")]],
    ["a message within another", 1002, [frame(text, "bad", { isFinal: false }), frame(text, "bad")]],
    ["a close frame of one byte", 1002, [frame(close, "x")]],
    ["a close code below 1000", 1002, [closeFrame(999)]],
    ["a close code that never stands in a frame", 1002, [closeFrame(1006)]],
    ["a close code above 4999", 1002, [closeFrame(5000)]],
    ["a close reason that is not UTF-8", 1007, [closeFrame(1000, notUtf8)]],
    ["a text that is not UTF-8", 1007, [frame(text, notUtf8)]],
    [
      "a text that is not UTF-8 only as a whole",
      1007,
      [frame(text, Buffer.of(0xc3), { isFinal: false }), frame(continuation, "x")],
    ],
    ["more one-byte fragments than are allowed", 1008, [inFragments("x".repeat(1025))]],
    ["one byte more than a message may have", 1009, [frame(text, "x".repeat(64 * 1024 + 1))]],
    [
      "fragments that are too large together",
      1009,
      [frame(binary, "x".repeat(64 * 1024), { isFinal: false }), frame(continuation, "x")],
    ],
    ["a frame of 2^63 bytes", 1009, [frame(binary, "bad", { length: 2n ** 63n })]],
    ["a frame of 2^64 - 1 bytes", 1009, [frame(binary, "bad", { length: 2n ** 64n - 1n })]],
    ["a frame of 2^53 - 1 bytes", 1009, [frame(binary, "bad", { length: 2n ** 53n - 1n })]],
  ] as const)(
    "%s: the client is closed with %i, and the others hear nothing of it",
    async ([, code, bytes], { server }) => {
      {
        await using other = await join(server, room);
        await using client = new RawClient(server);
        await client.join(path);
        await client.send(...bytes, frame(text, "too late"));
        await client.ended;
        expect(client.closeCode).toBe(code);
        expect(client.closeReason).toMatch(reasons[code]);
        await hasConnections(server, 1);
        other.send("still here");
        expect(await other.messages(1)).toEqual(["still here"]);
      }
      await isUnharmed(server);
    },
  );

  test("a message of exactly the largest size arrives", async ({ server }) => {
    const largest = "x".repeat(64 * 1024);
    {
      await using client = await join(server, room);
      client.send(largest);
      expect(await client.messages(1)).toEqual([largest]);
    }
    await isUnharmed(server);
  });

  test.for([
    ["", []],
    ["a close frame and ", [closeFrame(1000)]],
  ] as const)(
    "a flood of small messages, with %sthe end of the connection right behind, arrives whole and in order",
    async ([, last]) => {
      await using folder = await tempFolder();
      await using flooded = await startServer(sh('cat >"$1"', folder.at("all")));
      await using client = new RawClient(flooded);
      await client.join(path);
      const sent = Array.from({ length: 50_000 }, (_, index) => String(index));
      client.socket.end(Buffer.concat([...sent.map((each) => frame(text, each)), ...last]));
      await client.ended;
      const lines = sent.map((each) => `${each}\n`).join("");
      await until(() => readFileSync(folder.at("all"), "utf8") === lines, "all of it");
    },
  );

  test("clients that vanish in the middle of a message leave nothing of it behind", async ({ server }) => {
    const whole = frame(text, "never to be heard");
    const vanish = async (client: RawClient, index: number): Promise<void> => {
      await client.join(path);
      await client.send(whole.subarray(0, 1 + (index % (whole.length - 1))));
      if (index % 2 === 0) client.socket.resetAndDestroy();
      else client.socket.destroy();
      await client.ended;
    };
    {
      await using other = await join(server, room);
      await Promise.all(Array.from({ length: 50 }, (_, index) => vanish(new RawClient(server), index)));
      await hasConnections(server, 1);
      other.send("still here");
      expect(await other.messages(1)).toEqual(["still here"]);
    }
    await isUnharmed(server);
  });
});

describe.concurrent("paths and names", () => {
  test("no spelling of a path leads out of the static folder", async () => {
    await using folder = await tempFolder();
    mkdirSync(folder.at("public/sub"), { recursive: true });
    writeFileSync(folder.at("secret"), "SECRET");
    writeFileSync(folder.at("public/index.html"), "WELCOME");
    writeFileSync(folder.at("public/.hidden"), "SECRET");
    symlinkSync(folder.at("secret"), folder.at("public/link"));
    symlinkSync(folder.path, folder.at("public/out"));
    await using server = await startWith(["--staticdir", folder.at("public"), "cat"]);
    const get = (target: string): Promise<string> =>
      exchange(server.port, `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);

    const targets = [
      String.raw`/../secret /..%2fsecret /..%2Fsecret /%2e%2e/secret /%2e%2e%2fsecret /sub/../../secret /sub/..%2f..%2fsecret`,
      String.raw`/./../secret //../secret /....//secret /..\secret /..%5csecret /%2e%2e%5csecret /sub\..\..\secret ../secret`,
      String.raw`/%252e%252e/secret /..%00/secret /../secret%00.html /%c0%ae%c0%ae/secret /%uff0e%uff0e/secret /..;/secret`,
      String.raw`http://localhost/../secret http://localhost/%2e%2e/secret /.hidden /%2ehidden /sub/%2e%2e/.hidden`,
      `/link /out/secret /out/public/../secret ${path}/../../secret /${folder.at("secret")}`,
    ].flatMap((line) => line.split(" "));
    const answers = await Promise.all(targets.map(get));
    for (const [index, answer] of answers.entries()) {
      expect(answer, targets[index]).toMatch(/^HTTP\/1\.1 40[04] /);
      expect(answer, targets[index]).not.toContain("SECRET");
    }
    expect(await get("/index.html")).toContain("WELCOME");
    await isUnharmed(server);
  });

  test("rooms called like members of objects are rooms like any other, and are gone like them", async () => {
    const names = ["__proto__", "constructor", "hasOwnProperty", "toString"];
    await using server = await startWith(["--metrics", ...sh('echo "$ROOM"; cat')]);
    expect(await Promise.all(names.map((name) => statsOf(server, name)))).toEqual(names.map(() => "404"));
    {
      const clients = await Promise.all(names.map((name) => join(server, name)));
      expect(await Promise.all(clients.map(async (client) => client.messages(1)))).toEqual(names.map((name) => [name]));
      for (const name of names) {
        await hasConnections(server, 1, name);
        expect((await server.http(`/${name}/stats/${name}`)).status).toBe(404);
      }
      const page = await (await server.http("/metrics")).text();
      for (const name of names) expect(page).toContain(`scalesocket_websocket_connections_open{room="${name}"} 1`);
      await leave(...clients);
    }
    await isUnharmed(server, ...names);
  });
});

describe.concurrent("forged messages", () => {
  test("whatever id a client writes, the process reads its true one and no other", async () => {
    await using server = await startWith(["--frame=json", "cat"]);
    await using forger = await join(server, room);
    await using other = await join(server, room);
    const forged = [
      [`{"id":2}`, `{"id":1}`],
      [`{"id":2,"a":1}`, `{"id":1,"a":1}`],
      [`{"a":1,"id":2}`, `{"id":1,"a":1}`],
      [`{"a":1,"id":2,"b":2}`, `{"id":1,"a":1,"b":2}`],
      [`{"id":2,"id":2,"a":1,"id":2}`, `{"id":1,"a":1}`],
      [String.raw`{"\u0069d":2}`, `{"id":1}`],
      [String.raw`{"i\u0064":2,"a":1}`, `{"id":1,"a":1}`],
      [String.raw`{"a":1,"\u0069\u0064":2}`, `{"id":1,"a":1}`],
      [String.raw`{"\u0069d":2,"i\u0064":2,"id":2}`, `{"id":1}`],
      [`{ "id" : 2 }`, `{"id":1}`],
      [`{"id"\n:\n2,"a":1}`, `{"id":1,"a":1}`],
      [`{"a":\n1,"b":2}`, `{"id":1,"a":1,"b":2}`],
      [`{"a":1,\r"b":2}`, `{"id":1,"a":1,"b":2}`],
      [`{"id":{"id":2},"a":1}`, `{"id":1,"a":1}`],
      [`{"id":["}",{"id":2}],"a":1}`, `{"id":1,"a":1}`],
      [`{"id":"\\"}","a":1}`, `{"id":1,"a":1}`],
      [`{"id":null}`, `{"id":1}`],
      [`{"a":{"id":2}}`, `{"id":1,"a":{"id":2}}`],
      [`{"a":"\\",\\"id\\":2"}`, String.raw`{"id":1,"a":"\",\"id\":2"}`],
      [`{"ID":2,"Id":2,"id ":2}`, `{"id":1,"ID":2,"Id":2,"id ":2}`],
      [`{"__proto__":{"id":2}}`, `{"id":1,"__proto__":{"id":2}}`],
      [`{"a":12345678901234567890}`, `{"id":1,"a":12345678901234567890}`],
    ];
    for (const [sent = ""] of forged) {
      forger.send(sent);
      forger.send(Buffer.from(sent));
    }
    // What the process reads comes back to the client whose id it has.
    const read = (await forger.messages(2 * forged.length)).map((message) => withoutSpace(String(message)));
    expect(read).toEqual(forged.flatMap(([, expected = ""]) => [withoutSpace(expected), withoutSpace(expected)]));
    other.send("{}");
    expect(await other.messages(1)).toEqual([`{"id":2}`]);
    await leave(forger, other);
    await isUnharmed(server);
  });

  test("what is not one JSON object never reaches the process", async () => {
    await using server = await startWith(["--frame=json", "cat"]);
    await using forger = await join(server, room);
    await using other = await join(server, room);
    const refused = [
      "",
      "hello",
      "1",
      "null",
      `"{}"`,
      "[]",
      `[{"id":2}]`,
      `{"a":1}{"id":2}`,
      `{"a":1}\n{"id":2}`,
      `{"a":1},{"id":2}`,
      `{"a":1`,
      `{"a":1}}`,
      `{'id':2}`,
      `{id:2}`,
      `{"a":1,}`,
      `\ufeff{"id":2}`,
      `{"a":"\n"}`,
      `{"a":"\t"}`,
      `{"a":01}`,
      `{"a":NaN}`,
      `{"a":"\\x"}`,
      `{"a":1}\0`,
      `{"a":1}//`,
      "[".repeat(50_000),
    ];
    for (const message of refused) forger.send(message);
    forger.send(notUtf8);
    forger.send(`{"last":1}`);
    expect(await forger.messages(1)).toEqual([`{"id":1,"last":1}`]);
    other.send("{}");
    expect(await other.messages(1)).toEqual([`{"id":2}`]);
    await until(() => server.log().includes("message dropped"), "the log");
    await leave(forger, other);
    await isUnharmed(server);
  });

  test("no header names a variable that the process would take for a setting", async () => {
    await using server = await startWith(sh("env | sort; echo end; cat"));
    await using client = await join(server, room, {
      headers: {
        "X-Fine": "fine",
        "LD-PRELOAD": "fine",
        Proxy: "http://evil",
        "proxy-authorization": "secret",
        Authorization: "secret",
        LD_PRELOAD: "evil",
        HTTP_PROXY: "evil",
        "Http.Proxy": "evil",
        "A!B": "evil",
      },
    });
    await until(() => client.received.includes("end"), "the environment");
    const lines = client.received.map(String).slice(0, -1);
    expect(lines).toEqual(expect.arrayContaining(["HTTP_X_FINE=fine", "HTTP_LD_PRELOAD=fine"]));
    expect(lines.filter((line) => /^LD_|^\w*PROXY|=(?:http:..)?(?:evil|secret)$/i.test(line))).toEqual([]);
    await leave(client);
    await isUnharmed(server);
  });

  test("nothing in a query or a header breaks out of a join message, or into another line", async () => {
    const message = `{"id":#ID,"name":"#QUERY_NAME","all":"#QUERY_STRING","room":"#ROOM","agent":"#HTTP_USER_AGENT"}`;
    await using server = await startWith(["--joinmsg", message, "cat"]);
    const names = [
      "a\nb",
      `","id":99,"x":"`,
      "\\",
      '\\"',
      "#ID#ROOM#QUERY_NAME",
      "a\0b",
      "\r\n",
      "\u2028",
      "😀",
      "%0A",
      "x".repeat(5000),
    ];
    for (const [index, name] of names.entries()) {
      const agent = `x","id":99,"y":"\\`;
      await using client = await join(server, `${room}?name=${encodeURIComponent(name)}`, {
        headers: { "User-Agent": agent },
      });
      client.send("behind it");
      const [line, next] = await client.messages(2);
      expect(next).toBe("behind it");
      const parsed = JSON.parse(String(line)) as Record<string, string>;
      expect(Object.keys(parsed)).toEqual(["id", "name", "all", "room", "agent"]);
      expect(parsed).toMatchObject({ id: index + 1, room });
      expect([decodeURIComponent(parsed["name"] ?? ""), decodeURIComponent(parsed["agent"] ?? "")]).toEqual([
        name,
        agent,
      ]);
      await leave(client);
      await isUnharmed(server);
    }
  });

  test("raw quotes and backslashes in a request target do not break out of a join message either", async () => {
    await using server = await startWith(["--joinmsg", `{"id":#ID,"a":"#QUERY_STRING","b":"#REQUEST_URI"}`, "cat"]);
    {
      await using client = new RawClient(server);
      await client.send(upgradeRequest(`${path}?a=","id":99,"x":"\\&b=#ID{}`), frame(text, "behind it"));
      const [line = "", next] = await client.messages(2);
      expect(next).toBe("behind it");
      expect(JSON.parse(line)).toEqual({ id: 1, a: expect.any(String), b: expect.any(String) });
    }
    await isUnharmed(server);
  });
});

/** What makes a shell print a line of so many bytes. */
function printLine(bytes: number): string {
  return `head -c ${bytes} /dev/zero | tr '\\0' x; echo`;
}

describe.concurrent("programs that go wrong", () => {
  test("one that ends at once closes its clients, whatever they say to it", async () => {
    await using server = await startWith(["true"]);
    const visit = async (): Promise<number> => {
      await using client = await join(server, room);
      for (let count = 0; count < 10; count += 1) client.send("x".repeat(10_000));
      return (await client.closed).code;
    };
    expect(await Promise.all(Array.from({ length: 20 }, visit))).toEqual(Array.from({ length: 20 }, () => 1000));
    await isUnharmed(server);
  });

  test("one that closes its stdin and lives on is heard, and its clients stay", async () => {
    await using server = await startWith(["--metrics", ...sh("exec 0<&-; while echo tick; do sleep 0.02; done")]);
    await using client = await join(server, room);
    await client.messages(1);
    const speak = setInterval(() => client.send("x".repeat(60_000)), 5);
    await until(async () => (await dropped(server, "input_closed")) > 0, "a message that is dropped");
    clearInterval(speak);
    await client.messages(client.received.length + 3);
    expect(client.socket.readyState).toBe(client.socket.OPEN);
    await leave(client);
    await isUnharmed(server);
  });

  test("one that ignores SIGTERM is killed after its grace", async () => {
    await using server = await startWith([
      "--killgrace=0.2",
      ...sh("trap '' TERM; echo up; while :; do sleep 0.05; done"),
    ]);
    await using client = await join(server, room);
    await client.messages(1);
    await leave(client);
    await isUnharmed(server);
    await until(() => server.log().includes("process ended by SIGKILL"), "the log");
  });

  test("one that leaves a background process behind has it ended too, be it that this holds its output open", async () => {
    await using server = await startWith(sh("sleep 1000 & sleep 1000 >/dev/null & echo $!; exit 3"));
    await using client = await join(server, room);
    const [pid] = await client.messages(1);
    expect(isAlive(Number(pid))).toBe(true);
    expect(await client.closed).toEqual({ code: 1011, reason: "process exited with code 3" });
    await isUnharmed(server);
    expect(isAlive(Number(pid))).toBe(false);
  });

  test("one that has background processes when its last client leaves takes them along", async () => {
    await using server = await startWith(sh("sleep 1000 & sleep 1000 >/dev/null & echo $!; cat"));
    await using client = await join(server, room);
    const [pid] = await client.messages(1);
    await leave(client);
    await isUnharmed(server);
    expect(isAlive(Number(pid))).toBe(false);
  });

  test("one that does not exist closes each client with the reason, again and again", async () => {
    await using server = await startWith(["/does/not/exist"]);
    const visit = async (): Promise<{ code: number; reason: string }> => {
      await using client = await join(server, room);
      return await client.closed;
    };
    for (const { code, reason } of await Promise.all(Array.from({ length: 20 }, visit))) {
      expect(code).toBe(1011);
      expect(reason).toMatch(/^cannot start \/does\/not\/exist: no such file/);
    }
    await isUnharmed(server);
  });

  test.for(["KILL", "TERM", "HUP"])("one that sends SIG%s to its whole group hits nobody else", async (signal) => {
    // Were the group not its own, it would be that of this test.
    const isAlone = "read -r _ _ _ _ group _ < /proc/$$/stat && [ $group = $$ ]";
    await using server = await startWith(
      sh(`read -r _; ${isAlone} || exit; sleep 1000 & kill -${signal} 0; sleep 1000`),
    );
    await using client = await join(server, room);
    client.send("now");
    expect(await client.closed).toEqual({ code: 1011, reason: `process ended by SIG${signal}` });
    await isUnharmed(server);
  });

  test("one that writes garbage with --frame=binary is ended where it cannot be read on from", async () => {
    await using server = await startWith(["--frame=binary", "yes"]);
    await using client = await join(server, room);
    const { code, reason } = await client.closed;
    expect(code).toBe(1011);
    expect(reason).toMatch(/^process announced a message of 2030729482 bytes/);
    await isUnharmed(server);
  });

  test("one that writes unknown types and broken text with --frame=binary is read on from behind them", async () => {
    const messages = [
      String.raw`\0\0\0\0\0\0\0\11\0\0\0\1x`,
      String.raw`\377\377\377\377\0\0\0\1\0\0\0\1x`,
      String.raw`\0\0\0\0\0\0\0\1\0\0\0\2\377\377`,
      String.raw`\0\0\0\0\0\0\0\1\0\0\0\4good`,
      String.raw`\0\0\0\0\0\0\0\2\0\0\0\0`,
      String.raw`\0\0\0\0\0\0\0\1\0\0\1\0cut`,
    ];
    await using server = await startWith([
      "--metrics",
      "--frame=binary",
      ...sh(`read -r _; printf '${messages.join("")}'`),
    ]);
    await using client = await join(server, room);
    client.send("go\n");
    expect((await client.closed).code).toBe(1000);
    expect(client.received).toEqual(["good", Buffer.alloc(0)]);
    const reasons = ["unknown_type", "recipient_gone", "invalid_utf8", "incomplete"];
    expect(await Promise.all(reasons.map((reason) => dropped(server, reason)))).toEqual([1, 1, 1, 1]);
    await isUnharmed(server);
  });

  test("a line of 5 MB arrives whole, and one beyond --maxline ends the process", async () => {
    await using server = await startWith([
      "--maxline=5M",
      ...sh(`${printLine(5_000_000)}; read -r _; ${printLine(6_000_000)}; cat`),
    ]);
    await using client = await join(server, room);
    const [whole] = await client.messages(1);
    expect(whole).toHaveLength(5_000_000);
    client.send("go on");
    const { code, reason } = await client.closed;
    expect(code).toBe(1011);
    expect(reason).toMatch(/^process wrote a line of more than 5242880 bytes/);
    expect(client.received).toHaveLength(1);
    await isUnharmed(server);
  });

  test("bytes that are not UTF-8 go both ways: as a binary message out, and from a binary message in", async () => {
    await using server = await startWith(sh(String.raw`printf 'a\377b\n\303\nfine\n'; cat`));
    await using client = await join(server, room);
    client.send(notUtf8);
    const messages = await client.messages(4);
    expect(messages).toEqual([Buffer.from("a\xffb", "latin1"), Buffer.of(0xc3), "fine", notUtf8]);
    await leave(client);
    await isUnharmed(server);
  });

  test("one that exits while a client is behind loses nothing of its last words for the others", async () => {
    const script = `while read -r line; do [ $line = end ] && echo last && exit; ${printLine(60_000)}; done`;
    await using server = await startWith(["-v", "--clientbuffer=64K", "--slowtimeout=1.5", ...sh(script)]);
    await using slow = await join(server, room);
    await using other = await join(server, room);
    slow.socket.pause();
    for (let count = 1; !server.log().includes("client is behind"); count += 1) {
      other.send("more");
      await other.messages(count);
    }
    // Its output is not read until the slow client is given up, which takes longer than output may come late.
    other.send("end");
    expect(await other.closed).toEqual({ code: 1000, reason: "" });
    expect(other.received.at(-1)).toBe("last");
    slow.socket.resume();
    expect((await slow.closed).code).toBe(4008);
    await isUnharmed(server);
  });

  test("clients that vanish while their process does not read them are found to be gone", async () => {
    await using server = await startWith(["--metrics", "--pinginterval=0.2", "sleep", "--", "1000"]);
    {
      await using client = await join(server, room);
      for (let count = 0; count < 40; count += 1) client.send("x".repeat(100_000));
      await until(async () => (await metric(server, "scalesocket_input_pauses_total")) > 0, "reading to be paused");
    }
    await isUnharmed(server);
  });
});

describe.concurrent("many at once", () => {
  test("a room never has two processes, however its clients come and go", async () => {
    await using folder = await tempFolder();
    const log = folder.at("log");
    // It takes its time to end, and cannot be hurried.
    const script = `trap '' TERM; echo "start $$" >> "$1"; cat; echo "stop $$" >> "$1"`;
    await using server = await startWith(sh(script, log));
    const visit = async (index: number): Promise<void> => {
      await using client = await join(server, room);
      client.send(`visit ${index}`);
      await until(() => client.received.includes(`visit ${index}`), `visit ${index} to be heard`);
      if (index % 2 === 0) client.socket.terminate();
      else client.socket.close();
      await client.closed;
    };
    for (let wave = 0; wave < 10; wave += 1) {
      await Promise.all(Array.from({ length: 20 }, (_, index) => visit(20 * wave + index)));
    }
    await isUnharmed(server);

    const lines = readFileSync(log, "utf8").trimEnd().split("\n");
    expect(lines.length).toBeGreaterThanOrEqual(4);
    const starts = lines.filter((line) => line.startsWith("start "));
    expect(lines).toEqual(starts.flatMap((line) => [line, line.replace("start", "stop")]));
    expect(new Set(starts).size).toBe(starts.length);
  });

  test("many rooms that are opened and left at once each have their own process, and leave none behind", async () => {
    const names = Array.from({ length: 100 }, (_, index) => `room-${index}`);
    await using server = await startWith(sh("echo $ROOM $$; cat"));
    const visit = async (name: string): Promise<string> => {
      await using client = await join(server, name);
      const [greeting = ""] = await client.messages(1);
      client.send(name);
      expect((await client.messages(2))[1]).toBe(name);
      return String(greeting);
    };
    const greetings = await Promise.all(names.map(visit));
    expect(greetings.map((greeting) => greeting.split(" ")[0])).toEqual(names);
    expect(new Set(greetings.map((greeting) => greeting.split(" ")[1])).size).toBe(names.length);
    await isUnharmed(server, ...names);
  });
});

// One after the other, since what else runs takes ports too.
describe("ports", () => {
  test("when no port is left clients are refused for now, and let in when one is free again", async () => {
    const ports = await freePorts(2);
    const words = ["--tcp", "--tcpports", ports.range, "node", "--", programPath("tcp-echo.mjs")];
    await using server = await startWith(words);
    const stranger = await listen(ports.start);
    {
      await using first = await join(server, "a");
      expect(await first.messages(1)).toEqual([`connection 1 on ${ports.end}`]);
      const refusals = await Promise.all(["b", "c", "d"].map(async (name) => refusal(server, name)));
      for (const { status, headers } of refusals) {
        expect(status).toBe(503);
        expect(headers["retry-after"]).toMatch(/^\d+$/);
      }
      await isGone(server, "b", "c", "d");

      stranger.close();
      await once(stranger, "close");
      await using second = await join(server, "b");
      expect(await second.messages(1)).toEqual([`connection 1 on ${ports.start}`]);
      expect((await refusal(server, "c")).status).toBe(503);
      await leave(first);
      await isGone(server, "a");
      await using third = await join(server, "c");
      expect(await third.messages(1)).toEqual([`connection 1 on ${ports.end}`]);
    }
    await isUnharmed(server, "a", "b", "c", "d");
  });

  test("ports are not lost to programs that do not exist, nor to clients that vanish on their way in", async () => {
    const ports = await freePorts(1);
    await using server = await startWith(["--tcp", "--tcpports", ports.range, "/does/not/exist"]);
    for (let count = 0; count < 5; count += 1) {
      await resetOnArrival(server);
      await until(async () => (await statusOf(server)) === 101, "the port to be free again");
    }
    await isUnharmed(server);
  });
});
