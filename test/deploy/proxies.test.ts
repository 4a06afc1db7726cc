import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, inject, test } from "vitest";
import { join, refusal } from "../helpers/client.ts";
import { sh } from "../helpers/programs.ts";
import { startServer, type TestServer } from "../helpers/server.ts";
import { until } from "../helpers/until.ts";
import { proxyKinds } from "./proxies.ts";

const tools = inject("tools");
const headers = { Host: "example.com" };
/** As a browser, but for the certificate, which nobody has signed. */
const asClient = { headers, rejectUnauthorized: false };
/** Another address than that of the proxy, where loopback has several. */
const localAddress = process.platform === "linux" ? "127.0.0.2" : "127.0.0.1";
const seldom = ["--pinginterval", "3600"];
/** A third of the time-out below, as in the files. */
const often = ["--pinginterval", "1.5"];

describe.concurrent.each(proxyKinds)("$tool", ({ tool, hasTimeout, asksForHealth, hasPlain, logsRequests, start }) => {
  const isMissing = tools[tool] === undefined || tools.openssl === undefined;
  const check = test.skipIf(isMissing);
  // Where there is nothing to check, there is no test either: one that is skipped always wants a tool.
  const checkTimeout = hasTimeout ? check : nothing;
  const checkHealth = asksForHealth ? check : nothing;
  const checkPlain = hasPlain ? check : nothing;

  check("messages of all sizes go both ways, in order", async () => {
    await using server = await startBehind(["--frame=json", "cat"]);
    await using proxy = await start(tools, { servers: [server.port] });
    await using client = await join(proxy, "room", asClient);
    const texts = [1, 100, 70_000, 1_000_000].map((length) => JSON.stringify({ text: "x".repeat(length) }));
    for (const text of texts) client.send(text);
    const received = await client.messages(texts.length);
    expect(received.map((text) => JSON.parse(String(text)).text.length)).toEqual([1, 100, 70_000, 1_000_000]);
  });

  check("binary messages go both ways", async () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_each, at) => at % 256));
    await using server = await startBehind(["--binary", "cat"]);
    await using proxy = await start(tools, { servers: [server.port] });
    await using client = await join(proxy, "room", asClient);
    client.send(bytes);
    const all = (): Buffer => Buffer.concat(client.received as Buffer[]);
    await until(() => all().length >= bytes.length);
    expect(all().equals(bytes)).toBe(true);
  });

  check("the program is told who the client is, and nothing that the client made up", async () => {
    const forwarded = ["X_FORWARDED_FOR", "X_FORWARDED_PROTO", "X_FORWARDED_HOST", "FORWARDED", "HOST"];
    const names = ["REMOTE_ADDR", "HTTPS", "SERVER_PORT", ...forwarded.map((name) => `HTTP_${name}`)];
    const script = names.map((name) => `echo "${name}=$${name}"`).join("; ");
    await using server = await startBehind(sh(`${script}; exec cat`));
    await using proxy = await start(tools, { servers: [server.port] });
    const forged = { "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "gopher", "X-Forwarded-Host": "evil.example" };
    const claims = { ...headers, ...forged, Forwarded: "for=6.6.6.6" };
    await using client = await join(proxy, "room", { ...asClient, headers: claims, localAddress });
    expect(await client.messages(names.length)).toEqual([
      `REMOTE_ADDR=${localAddress}`,
      "HTTPS=on",
      "SERVER_PORT=443",
      `HTTP_X_FORWARDED_FOR=${localAddress}`,
      "HTTP_X_FORWARDED_PROTO=https",
      "HTTP_X_FORWARDED_HOST=example.com",
      "HTTP_FORWARDED=",
      "HTTP_HOST=example.com",
    ]);
  });

  check("a silent websocket outlives the proxy's time-out, since the server pings it", async () => {
    await using server = await startBehind([...often, "cat"]);
    await using proxy = await start(tools, { servers: [server.port], timeoutSeconds: 4.5 });
    await using client = await join(proxy, "room", asClient);
    let pings = 0;
    client.socket.on("ping", () => {
      pings += 1;
    });
    await until(() => pings >= 4, "four pings");
    client.send("still here");
    expect(await client.messages(1)).toEqual(["still here"]);
  });

  checkTimeout("a websocket on which neither side says anything is cut", async () => {
    await using server = await startBehind([...seldom, "cat"]);
    await using proxy = await start(tools, { servers: [server.port], timeoutSeconds: 2 });
    await using client = await join(proxy, "room", asClient);
    expect(await client.closed).toMatchObject({ code: 1006 });
  });

  checkTimeout("a client is not cut while it talks to a silent program", async () => {
    await using server = await startBehind([
      ...seldom,
      ...sh('while read -r line; do [ "$line" = end ] && echo "$line"; done'),
    ]);
    await using proxy = await start(tools, { servers: [server.port], timeoutSeconds: 2 });
    await using client = await join(proxy, "room", asClient);
    // As steady as a player, and for longer than the time-out.
    for (let count = 0; count < 30; count += 1) {
      client.send("move");
      await sleep(100);
    }
    client.send("end");
    expect(await client.messages(1)).toEqual(["end"]);
  });

  check("refusals and files come through as they are", async () => {
    await using server = await startBehind(["--maxrooms", "1", "--staticdir", "examples/chat/public", "cat"]);
    await using proxy = await start(tools, { servers: [server.port] });
    await using client = await join(proxy, "room", asClient);
    expect(await refusal(proxy, "other", asClient)).toMatchObject({ status: 503, headers: { "retry-after": "5" } });
    expect(await refusal(proxy, "a%20b", asClient)).toMatchObject({
      status: 400,
      body: "room name may hold only letters, digits and -._~!$&()*+,;=:@\n",
    });
    expect(client.received).toEqual([]);
    const page = await get(proxy.port, "/");
    expect(page).toMatchObject({ status: 200, type: "text/html; charset=utf-8" });
  });

  check("a server that stops closes its clients with a code that says so", async () => {
    await using server = await startBehind(["cat"]);
    await using proxy = await start(tools, { servers: [server.port] });
    await using client = await join(proxy, "room", asClient);
    expect(await server.stop()).toBe(0);
    expect(await client.closed).toMatchObject({ code: 1012 });
    const { status } = await refusal(proxy, "room", asClient);
    expect([502, 503]).toContain(status);
  });

  check("all clients of a room come to one server, however they write its name", async () => {
    const which = sh('echo "$SERVER_PORT $$"; exec cat');
    await using one = await startBehind(which);
    await using other = await startBehind(which);
    await using proxy = await start(tools, { servers: [one.port, other.port] });
    const hosts = new Set<string>();
    for (let number = 0; number < 12; number += 1) {
      const paths = [`room${number}`, `%72oom${number}/deeper?a=b`, `room${number}?other`];
      const clients = await Promise.all(paths.map((path) => join(proxy, path, asClient)));
      for (const client of clients) client.send("hello");
      for (const client of clients) await until(() => client.received.filter((text) => text === "hello").length === 3);
      hosts.add(String(clients[0]?.received[0]));
      for (const client of clients) await client[Symbol.asyncDispose]();
    }
    const pids = new Set([...hosts].map((text) => text.split(" ")[1]));
    expect(pids.size).toBeGreaterThan(1);
  });

  checkHealth("newcomers are let in by the other server while one drains", async () => {
    await using one = await startBehind([
      "--killgrace",
      "60",
      ...sh('trap "" TERM; while read -r line; do echo "$line"; done; sleep 60'),
    ]);
    await using other = await startBehind(["cat"]);
    await using proxy = await start(tools, { servers: [one.port, other.port] });
    await using direct = await join(one, "keep");
    direct.send("there");
    await direct.messages(1);
    const stopped = one.stop();
    for (let number = 0; number < 12; number += 1) {
      await until(async () => {
        try {
          await using client = await join(proxy, `room${number}`, asClient);
          return client.socket.readyState === client.socket.OPEN;
        } catch {
          return false;
        }
      }, "the other server");
    }
    one.child.kill("SIGTERM");
    await stopped;
  });

  check("a query, which may hold a token, is not logged", async () => {
    await using server = await startBehind(["cat"]);
    await using proxy = await start(tools, { servers: [server.port] });
    const client = await join(proxy, "room?token=secret", asClient);
    await client[Symbol.asyncDispose]();
    await get(proxy.port, "/nowhere?token=secret");
    await until(async () => logsRequests === (await proxy.accessLog()).includes("/nowhere"));
    expect((await proxy.accessLog()) + proxy.log()).not.toContain("secret");
  });

  checkPlain("plain HTTP is sent to HTTPS", async () => {
    await using server = await startBehind(["cat"]);
    await using proxy = await start(tools, { servers: [server.port] });
    const answer = await fetch(`http://127.0.0.1:${proxy.plainPort}/room?a=b`, { redirect: "manual" });
    expect(answer.status).toBe(308);
    expect(answer.headers.get("location")).toMatch(/^https:\/\/127\.0\.0\.1(?::\d+)?\/room\?a=b$/);
  });
});

function nothing(): void {}

/** A server as the files want it, in one process, since many are started here. */
async function startBehind(words: readonly string[]): Promise<TestServer> {
  const env = { SCALESOCKET_ALLOWHOST: "example.com,localhost,127.0.0.1", SCALESOCKET_TRUSTPROXY: "127.0.0.1" };
  return startServer(["--workers", "0", ...words], { env });
}

async function get(port: number, path: string): Promise<{ status: number | undefined; type: string | undefined }> {
  const asked = request({ host: "127.0.0.1", port, path, agent: false, ...asClient });
  asked.end();
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  answer.resume();
  await once(answer, "end");
  return { status: answer.statusCode, type: answer.headers["content-type"] };
}
