import type { IncomingMessage, ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { join, refusal } from "../helpers/client.ts";
import { sh } from "../helpers/programs.ts";
import { ask } from "../helpers/raw-http.ts";
import { upgradeRequest } from "../helpers/raw-socket.ts";
import { runToEnd, startServer, type TestServer } from "../helpers/server.ts";
import { inSeconds } from "../helpers/tokens.ts";
import { until } from "../helpers/until.ts";
import { bodyOf, type WebServer, webServer } from "../helpers/web-server.ts";

const tellUser = sh('echo "$AUTH_TYPE:$REMOTE_USER"; cat');

interface Hook extends WebServer {
  readonly asked: { readonly request: IncomingMessage; readonly body: string }[];
}

/** A hook that answers as the test says, and remembers what it was asked. */
async function hookThat(answer: (response: ServerResponse, body: string) => void): Promise<Hook> {
  const asked: Hook["asked"] = [];
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(request);
    asked.push({ request, body });
    answer(response, body);
  };
  const server = await webServer((request, response) => void take(request, response));
  return Object.defineProperty(server, "asked", { value: asked }) as Hook;
}

/** A hook that answers like this to everything. */
function hookWith(status: number, body: unknown = "", headers: Record<string, string> = {}): Promise<Hook> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return hookThat((response) => response.writeHead(status, headers).end(text));
}

function start(hook: Hook, ...words: readonly string[]): Promise<TestServer> {
  return startServer(["--workers", "0", "--auth-url", hook.url, ...words, ...tellUser]);
}

const answers: readonly (readonly [body: unknown, user: string])[] = [
  ["", ""],
  ["{}", ""],
  [{ user: "ann" }, "ann"],
  [{ user: "ann", rooms: "*" }, "ann"],
  [{ user: "ann", rooms: ["other", "room"] }, "ann"],
  [{ user: "ann", rooms: "room", expires: inSeconds(3600), more: [null] }, "ann"],
];

test.for(answers)("a hook that answers with %j lets a client in", async ([body, user]) => {
  await using hook = await hookWith(200, body);
  await using server = await start(hook);
  await using client = await join(server, "room");
  expect(await client.messages(1)).toEqual([`Hook:${user}`]);
});

test("the hook is told of the client what it can decide by, and no more", async () => {
  await using hook = await hookWith(200, { user: "ann" });
  await using server = await start(hook);
  const headers = {
    Authorization: "Custom secret",
    Cookie: "session=1",
    "X-Name": "bär",
    ["__proto__"]: "own",
    "Sec-WebSocket-Protocol": "scalesocket.auth.abc, chat",
  };
  expect((await ask(server.port, upgradeRequest("/r%6Fom/deep?a=1&b", headers))).status).toBe(101);
  const [{ request, body } = { request: undefined, body: "" }] = hook.asked;
  expect([request?.method, request?.headers["content-type"]]).toEqual(["POST", "application/json"]);
  expect(JSON.parse(body)).toEqual({
    method: "GET",
    path: "/r%6Fom/deep",
    room: "room",
    query: "a=1&b",
    headers: {
      host: "localhost",
      authorization: "Custom secret",
      cookie: "session=1",
      "x-name": "bär",
      ["__proto__"]: "own",
      "sec-websocket-protocol": "scalesocket.auth.abc, chat",
    },
    address: "127.0.0.1",
  });
});

test("what clients show to the hook is neither logged nor handed on", async () => {
  await using hook = await hookWith(200, { user: "ann" });
  const words = ["-vv", "--metrics", "--auth-url", hook.url, "--auth-param", "key", ...sh("env; echo end; cat")];
  await using server = await startServer(words);
  const headers = { Authorization: "Custom hush1", "Proxy-Authorization": "hush2" };
  await using client = await join(server, "room?a=1&key=hush3", { headers });
  await until(() => client.received.includes("end"), "all variables");
  const metrics = await (await server.http("/metrics")).text();
  expect(client.received).toContain("QUERY_STRING=a=1");
  expect(client.received).toContain("REMOTE_USER=ann");
  expect([...client.received, server.log(), metrics].join("\n")).not.toContain("hush");
  expect(hook.asked[0]?.body).toMatch(/hush1.*hush2|hush3.*hush1/s);
});

test("a hook refuses with 401 or 403, and says what to show", async () => {
  await using none = await hookWith(401);
  await using server = await start(none);
  const plain = await refusal(server, "room");
  expect([plain.status, plain.body]).toEqual([401, "you are not let in\n"]);
  expect(plain.headers["www-authenticate"]).toBe('Bearer realm="scalesocket"');

  await using own = await hookWith(401, "an answer of its own", { "WWW-Authenticate": 'Cookie realm="x"' });
  await using other = await start(own);
  const { status, body, headers } = await refusal(other, "room");
  expect([status, body]).toEqual([401, "you are not let in\n"]);
  expect(headers["www-authenticate"]).toBe('Cookie realm="x"');

  await using forbidding = await hookWith(403, { user: "ann" });
  await using third = await start(forbidding);
  const forbidden = await refusal(third, "room");
  expect([forbidden.status, forbidden.headers["www-authenticate"]]).toEqual([403, undefined]);
});

test("a hook limits where one may go", async () => {
  await using hook = await hookWith(200, { user: "ann", rooms: ["a", "b"] });
  await using server = await start(hook);
  await using client = await join(server, "a");
  expect(await client.messages(1)).toEqual(["Hook:ann"]);
  expect((await refusal(server, "c")).status).toBe(403);
});

const faults: readonly (readonly [name: string, status: number, body: unknown, why: string])[] = [
  ["an error", 500, { user: "ann" }, "it answered with 500"],
  ["a redirect", 302, { user: "ann" }, "it answered with 302"],
  ["another success", 204, "", "it answered with 204"],
  ["not found", 404, {}, "it answered with 404"],
  ["no JSON", 200, "ok", "its answer is not JSON"],
  ["a list", 200, [], "its answer is not a JSON object"],
  ["null", 200, "null", "its answer is not a JSON object"],
  ["a number for the user", 200, { user: 1 }, "user is not text"],
  ["null for the user", 200, { user: null }, "user is not text"],
  ["a line's end in the user", 200, { user: "a\nb" }, "a user's name holds control characters"],
  ["null for rooms", 200, { rooms: null }, "rooms is neither a name nor a list of names"],
  ["numbers for rooms", 200, { rooms: [1] }, "rooms is neither a name nor a list of names"],
  ["a text for the end", 200, { expires: "soon" }, "expires is not a time to come in seconds of Unix time"],
  ["an end that has passed", 200, { expires: inSeconds(-1) }, "expires is not a time to come in seconds of Unix time"],
  ["too much", 200, { user: "ann", more: "x".repeat(70_000) }, "its answer is larger than 65536 bytes"],
];

test.for(faults)("a hook that answers with %s lets nobody in", async ([, status, body, why]) => {
  await using elsewhere = await hookWith(200, { user: "elsewhere" });
  await using hook = await hookWith(status, body, { Location: elsewhere.url });
  await using server = await start(hook, "--auth-cache", "60");
  for (const asked of [1, 2]) {
    const { status: answered, body: told, headers } = await refusal(server, "room");
    expect([answered, told]).toEqual([503, "cannot check who you are, try again later\n"]);
    expect(headers["retry-after"]).toBe("5");
    expect(hook.asked.length).toBe(asked);
  }
  expect(elsewhere.asked).toEqual([]);
  await until(
    () => server.log().includes(`the hook of --auth-url cannot be used: ${why}`),
    () => server.log(),
  );
  expect(server.log().split("nobody comes in until it can").length).toBe(2);
});

function endConnection(response: ServerResponse): void {
  response.socket?.destroy();
}

test("a hook that is not there, that says nothing, or that ends in the middle lets nobody in, and another answer does", async () => {
  let answer = endConnection;
  await using hook = await hookThat((response) => answer(response));
  await using server = await start(hook);
  expect((await refusal(server, "room")).status).toBe(503);
  answer = (response) => {
    response.writeHead(200, { "Content-Length": "100" }).write('{"user":"ann"');
    setImmediate(() => response.socket?.destroy());
  };
  expect((await refusal(server, "room")).status).toBe(503);
  answer = () => undefined;
  expect((await refusal(server, "room")).status).toBe(503);
  await until(
    () => server.log().includes("it did not answer in time"),
    () => server.log(),
  );
  answer = (response) => response.end('{"user":"ann"}');
  await using client = await join(server, "room");
  expect(await client.messages(1)).toEqual(["Hook:ann"]);
  await until(
    () => server.log().includes("the hook of --auth-url can be used again"),
    () => server.log(),
  );
});

test("a hook that has closed a connection before it was used again is asked once more", async () => {
  await using hook = await hookThat((response) => {
    if (hook.asked.length === 2) response.socket?.destroy();
    else response.end('{"user":"ann"}');
  });
  await using server = await start(hook);
  for (const room of ["a", "b"]) {
    await using client = await join(server, room);
    expect(await client.messages(1)).toEqual(["Hook:ann"]);
  }
  expect(hook.asked.length).toBe(3);
});

test("a server stops though a hook says nothing, which is no fault of the hook then", async () => {
  await using hook = await hookThat(() => undefined);
  await using server = await start(hook);
  const refused = refusal(server, "room");
  await until(() => hook.asked.length === 1, "the question");
  expect(await server.stop()).toBe(0);
  expect((await refused).status).toBe(503);
  expect(server.log()).not.toContain("cannot be used");
});

test("answers are kept for requests that are the same in everything", async () => {
  await using hook = await hookThat((response, body) => {
    const { authorization } = (JSON.parse(body) as { headers: Record<string, string> }).headers;
    if (authorization === undefined) response.writeHead(401).end();
    else response.end(JSON.stringify({ user: authorization }));
  });
  await using server = await start(hook, "--auth-cache", "60");
  const userOf = async (path: string, headers: Record<string, string>): Promise<unknown> => {
    await using client = await join(server, path, { headers });
    return (await client.messages(1))[0];
  };
  expect(await userOf("a", { Authorization: "ann" })).toBe("Hook:ann");
  expect((await refusal(server, "a")).status).toBe(401);
  expect(await userOf("b", { Authorization: "bob" })).toBe("Hook:bob");
  expect(hook.asked.length).toBe(3);
  // The same again, then one thing different each time.
  await using again = await join(server, "a", { headers: { Authorization: "ann" } });
  expect((await refusal(server, "a")).status).toBe(401);
  expect(hook.asked.length).toBe(3);
  await using deeper = await join(server, "a/deeper", { headers: { Authorization: "ann" } });
  await using asking = await join(server, "a?x", { headers: { Authorization: "ann" } });
  await using showing = await join(server, "a", { headers: { Authorization: "ann", Cookie: "x" } });
  expect(hook.asked.length).toBe(6);
  expect([again, deeper, asking, showing].every(({ socket }) => socket.readyState === socket.OPEN)).toBe(true);
});

test("without --auth-cache the hook is asked each time, over connections that are used again", async () => {
  await using hook = await hookWith(200);
  await using server = await start(hook);
  for (let clients = 0; clients < 5; clients += 1) {
    await using client = await join(server, "room");
    expect(client.socket.readyState).toBe(client.socket.OPEN);
  }
  expect(hook.asked.length).toBe(5);
  expect(hook.connections).toBe(1);
});

test("a client is closed with 4003 when the hook says that its time is over, and its answer is kept no longer", async () => {
  await using hook = await hookThat((response) => response.end(JSON.stringify({ expires: inSeconds(2) })));
  await using server = await start(hook, "--auth-cache", "60");
  await using client = await join(server, "room");
  expect((await client.closed).code).toBe(4003);
  await using next = await join(server, "room");
  expect([hook.asked.length, next.socket.readyState]).toEqual([2, next.socket.OPEN]);
});

test("a hook decides about websockets only, and alone", async () => {
  await using hook = await hookWith(401);
  await using server = await start(hook, "--metrics");
  expect((await server.http("/metrics")).status).toBe(200);
  for (const [flag, value] of [
    ["--auth-basic", "users"],
    ["--auth-jwt-key", "key.pem"],
    ["--auth-jwks", "https://example.com/"],
  ] as const) {
    const { code, stderr } = await runToEnd(["--auth-url", hook.url, flag, value, "cat"]);
    expect(code).toBe(2);
    expect(stderr).toContain(`does not go together with ${flag}=${value}`);
  }
});

test("the hook is asked about a bounded number of clients at once, and the others wait for that", async () => {
  const waiting: ServerResponse[] = [];
  let asking = 0;
  let most = 0;
  await using hook = await hookThat((response) => {
    asking += 1;
    most = Math.max(most, asking);
    response.on("finish", () => {
      asking -= 1;
    });
    waiting.push(response);
  });
  await using server = await start(hook);
  const refused = Array.from({ length: 80 }, () => ask(server.port, upgradeRequest("/room")));
  await until(
    () => waiting.length === 64,
    () => `64 questions, got ${waiting.length}`,
  );
  // Whoever else asks meanwhile is answered.
  expect((await server.http("/health")).status).toBe(200);
  for (let answered = 0; answered < 80; answered += 1) {
    await until(
      () => waiting.length > answered,
      () => `question ${answered}`,
    );
    waiting[answered]?.writeHead(403).end();
  }
  const statuses = (await Promise.all(refused)).map(({ status }) => status);
  expect(new Set(statuses)).toEqual(new Set([403]));
  expect([most, hook.asked.length]).toEqual([64, 80]);
});
