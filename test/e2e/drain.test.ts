import { once } from "node:events";
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { closeCodes, ServerError } from "../../src/index.ts";
import { join, refusal, type TestClient } from "../helpers/client.ts";
import { Crowd } from "../helpers/crowd.ts";
import { createServer } from "../helpers/hosts.ts";
import { allGone, childrenOf, workersOf } from "../helpers/processes.ts";
import { sh } from "../helpers/programs.ts";
import { upgradeRequest } from "../helpers/raw-socket.ts";
import { startServer, type TestServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";

const goodbye = { code: 1012, reason: "server is shutting down" };
const pidsAndEcho = sh("echo $$ $PPID; exec cat");
/** So long that no test waits for it. */
const forEver = "3600";

describe.concurrent.each(["0", "2"])("with %s workers", (workers) => {
  const words = (...more: readonly string[]): string[] => ["--workers", workers, ...more];

  test("during --drainwait all works as before but /health, which says 503 at once", async () => {
    await using server = await startServer(words("--drainwait", forEver, "cat"));
    await using early = await join(server, "room");
    server.child.kill("SIGTERM");
    await until(async () => (await server.http("/health")).status === 503, "/health to tell");
    expect(await (await server.http("/health")).json()).toEqual({ status: "draining" });

    await using late = await join(server, "room");
    await using other = await join(server, "other");
    late.send("hello");
    other.send("hi");
    expect([await early.messages(1), await late.messages(1), await other.messages(1)]).toEqual([
      ["hello"],
      ["hello"],
      ["hi"],
    ]);
    expect(server.log()).toContain(`going on for ${forEver} s`);
    // Only a second signal shortens it.
    server.child.kill("SIGTERM");
    expect(await server.exited()).toBe(0);
  });

  test("after --drainwait rooms are closed, and the server ends", async () => {
    await using server = await startServer(words("--drainwait", "0.1", "cat"));
    await using client = await join(server, "room");
    server.child.kill("SIGTERM");
    expect(await client.closed).toEqual(goodbye);
    expect(await server.exited()).toBe(0);
  });

  test("nobody is waited for who has asked for another protocol and hardly reads the answer", async () => {
    await using folder = await tempFolder();
    await writeFile(folder.at("large"), Buffer.alloc(64 * 1024 * 1024));
    await using server = await startServer(words("--staticdir", folder.path, "cat"));
    using crowd = new Crowd(server);
    const socket = (await crowd.add()).pause();
    socket.write(upgradeRequest("/large", { Upgrade: "h2c" }));
    await once(socket, "readable");
    expect(await server.stop()).toBe(0);
  });

  test("rooms are closed one after the other; meanwhile nobody new comes in, and what is open goes on", async () => {
    await using server = await startServer(words("--draintime", forEver, "cat"));
    const [first, second] = await rooms(server, ["first", "second"]);
    server.child.kill("SIGTERM");
    expect(await first.closed).toEqual(goodbye);

    for (const path of ["second", "first", "third"]) {
      const { status, headers, body } = await refusal(server, path);
      expect({ status, body }).toEqual({ status: 503, body: "server is shutting down\n" });
      expect(headers["retry-after"]).toMatch(/^[1-9]\d*$/);
    }
    second.send("still here");
    expect(await second.messages(1)).toEqual(["still here"]);
    expect((await server.http("/health")).status).toBe(503);
    expect(server.log()).toContain("closing 2 rooms over at most 3600 s");

    // A room that closes by itself makes the whole shorter.
    second.socket.close();
    expect(await server.exited()).toBe(0);
  });

  test("a room alone does not wait, and its process is ended in its steps", async () => {
    const script = "trap '' TERM; cat; echo bye >&2; exit 3";
    await using server = await startServer(words("--draintime", forEver, ...sh(script)));
    await using client = await join(server, "room");
    server.child.kill("SIGTERM");
    expect(await client.closed).toEqual(goodbye);
    expect(await server.exited()).toBe(0);
    expect(server.log()).toMatch(/^bye$/m);
    expect(server.log()).toContain("process exited with code 3");
  });

  test("all rooms are closed in the end, in the order in which they were opened, wherever they live", async () => {
    await using server = await startServer(words("--draintime", "2", "cat"));
    const clients = await rooms(server, ["a", "b", "c", "d"]);
    const order: number[] = [];
    const goodbyes = clients.map(async (client, index) => {
      const closed = await client.closed;
      order.push(index);
      return closed;
    });
    server.child.kill("SIGTERM");
    expect(await Promise.all(goodbyes)).toEqual(clients.map(() => goodbye));
    // The moments of neighbours may be so near to each other that clients hear of them at the same time.
    expect(order.every((index, place) => Math.abs(index - place) <= 1)).toBe(true);
    expect(order[0]).toBe(0);
    expect(await server.exited()).toBe(0);
  });

  test("processes that nobody talks to are ended at once: those that linger, and those started ahead", async () => {
    const options = ["--linger", forEver, "--prewarm", "2", "--draintime", forEver];
    await using server = await startServer(words("-v", ...options, ...pidsAndEcho));
    const hosts = workers === "0" ? [server.pid] : workersOf(server.pid);
    const running = (): number => hosts.flatMap(childrenOf).length;
    const idle = hosts.length + 2;
    const [lingering, first, second] = await rooms(server, ["lingering", "first", "second"]);
    await until(
      () => running() === idle + 3,
      () => `three processes, and two ahead: ${running()} of ${idle + 3}`,
    );
    lingering.socket.close();
    await until(() => server.log().includes("client left"), "the log to tell");

    server.child.kill("SIGTERM");
    expect(await first.closed).toEqual(goodbye);
    // Only the guardians and the process of the second room are left.
    await until(
      () => running() === hosts.length + 1,
      () => `the others to end: ${running()}`,
    );
    second.send("still here");
    expect((await second.messages(2))[1]).toBe("still here");
    // Nobody could come back to it, so that this one does not linger.
    second.socket.close();
    expect(await server.exited()).toBe(0);
  });

  test("a second signal ends it at once, also processes that would be started again", async () => {
    const options = ["--draintime", forEver, "--killgrace", forEver, "--restart", "always"];
    await using server = await startServer(
      words(...options, ...sh("trap '' TERM; echo $$; while :; do sleep 1; done")),
    );
    const clients = await rooms(server, ["a", "b", "c"]);
    const pids = await Promise.all(clients.map(async (client) => Number((await client.messages(1))[0])));
    server.child.kill("SIGTERM");
    expect(await clients[0]?.closed).toEqual(goodbye);
    server.child.kill("SIGINT");
    await Promise.all(clients.map(async ({ closed }) => closed));
    expect(await server.exited()).toBe(0);
    await allGone(pids);
  });

  test("SIGINT closes all rooms at once with 1001, whatever --drainwait and --draintime say", async () => {
    await using server = await startServer(words("--drainwait", forEver, "--draintime", forEver, "cat"));
    const clients = await rooms(server, ["a", "b", "c"]);
    server.child.kill("SIGINT");
    const goodbyes = await Promise.all(clients.map(async ({ closed }) => closed));
    expect(goodbyes).toEqual(clients.map(() => ({ code: 1001, reason: "server is shutting down" })));
    expect(await server.exited()).toBe(0);
  });
});

test("a worker that dies meanwhile takes its rooms along, is not replaced, and keeps nobody waiting", async () => {
  await using server = await startServer(["--workers", "2", "--draintime", forEver, ...pidsAndEcho]);
  const clients = await rooms(server, ["a", "b", "c", "d"]);
  const seats = await Promise.all(
    clients.map(async (client) => {
      const [pid = 0, worker = 0] = String((await client.messages(1))[0])
        .split(" ")
        .map(Number);
      return { client, pid, worker };
    }),
  );
  server.child.kill("SIGTERM");
  expect(await seats[0]?.client.closed).toEqual(goodbye);

  const doomed = seats[1]?.worker as number;
  const lost = seats.filter(({ worker }, index) => worker === doomed && index > 0);
  const left = seats.filter(({ worker }, index) => worker !== doomed && index > 0);
  expect([lost.length > 0, left.length > 0]).toEqual([true, true]);
  process.kill(doomed, "SIGKILL");
  for (const { client } of lost) expect((await client.closed).code).toBe(1006);
  await until(() => /worker \d ended \(SIGKILL\): its rooms are closed( |$)/m.test(server.log()), "the log to tell");
  expect(server.log()).not.toContain("another one is started");
  for (const { client } of left) {
    client.send("still here");
    expect((await client.messages(2))[1]).toBe("still here");
    client.socket.close();
  }
  expect(await server.exited()).toBe(0);
  await allGone(seats.map(({ pid }) => pid));
});

test("a oneshot server does not wait when its one client has been served", async () => {
  await using server = await startServer(["--oneshot", "--drainwait", forEver, "cat"]);
  await using client = await join(server, "room");
  server.child.kill("SIGTERM");
  await until(async () => (await server.http("/health")).status === 503, "/health to tell");
  client.send("hello");
  expect(await client.messages(1)).toEqual(["hello"]);
  client.socket.close();
  expect(await server.exited()).toBe(0);
});

describe("createServer", () => {
  const options = { command: "cat", addresses: [{ host: "127.0.0.1", port: 0 }], environment: process.env };

  test("stop can wait, close rooms one by one, and choose what clients are told", async () => {
    const server = createServer(options);
    const [address] = await server.start();
    const [first, second] = await rooms({ port: address?.port ?? 0, log: () => "" }, ["a", "b"]);
    const stopped = server.stop({ waitMs: 50, spreadMs: 3_600_000, code: closeCodes.serviceRestart.code });
    expect(await first.closed).toEqual(goodbye);
    second.socket.close();
    await stopped;
    await server.stopped;
  });

  test("a server is started once, also while it starts, and what has stopped or failed is not", async () => {
    const refused = { code: "ERR_USAGE", message: "a server can be started once, and not after stop" };
    const server = createServer(options);
    const [started, again] = await Promise.allSettled([server.start(), server.start()]);
    expect(started.status).toBe("fulfilled");
    expect(again).toMatchObject({ status: "rejected", reason: refused });
    await server.stop();
    await expect(server.start()).rejects.toMatchObject(refused);

    const failed = createServer({ ...options, staticDir: "/nonexistent" });
    await expect(failed.start()).rejects.toMatchObject({ code: "ERR_STATIC_DIR" });
    await expect(failed.start()).rejects.toMatchObject(refused);

    const stopped = createServer(options);
    const stopping = stopped.stop();
    await expect(stopped.start()).rejects.toMatchObject(refused);
    await stopping;
  });

  test("kill ends the wait of a stop", async () => {
    const server = createServer(options);
    const [address] = await server.start();
    const [client] = await rooms({ port: address?.port ?? 0, log: () => "" }, ["a"]);
    const stopped = server.stop({ waitMs: 3_600_000 });
    server.kill();
    await stopped;
    await client.closed;
  });

  test.each([0, 1])("a server with %i workers that was killed, and not stopped, goes on as before", async (workers) => {
    const server = createServer({ ...options, workers });
    const [address] = await server.start();
    const place = { port: address?.port ?? 0, log: () => "" };
    const [killed] = await rooms(place, ["a"]);
    server.kill();
    await killed.closed;
    const [first, second] = await rooms(place, ["a", "b"]);
    const stopped = server.stop({ spreadMs: 3_600_000 });
    expect(await first.closed).toMatchObject({ code: closeCodes.goingAway.code });
    second.send("still there");
    expect(await second.messages(1)).toEqual(["still there"]);
    second.socket.close();
    await stopped;
  });

  test.each([0, 1])("a stop that follows a kill gives processes their time, with %i workers", async (workers) => {
    await using folder = await tempFolder();
    // For longer than what is left over is waited for after a kill.
    const script = `trap 'sleep 1.5; echo saved > "$1"; exit' TERM; echo ready; while :; do sleep 0.02; done`;
    const args = ["-c", script, "sh", folder.at("state")];
    const server = createServer({ ...options, command: "sh", args, workers });
    const [address] = await server.start();
    server.kill();
    const [client] = await rooms({ port: address?.port ?? 0, log: () => "" }, ["a"]);
    await client.messages(1);
    await server.stop();
    expect(readFileSync(folder.at("state"), "utf8")).toBe("saved\n");
  });

  test.each([
    [{ waitMs: -1 }, "waitMs: expected milliseconds from 0 to 86400000, got -1"],
    [{ spreadMs: Number.NaN }, "spreadMs: expected milliseconds from 0 to 86400000, got NaN"],
    [{ spreadMs: "1" }, 'spreadMs: expected milliseconds from 0 to 86400000, got "1"'],
    [{ code: 1000 }, "code: expected 1001 or 1012, got 1000"],
    [{ waitMs: 0, spread: 3 }, 'stop: there is no option called "spread"'],
    [["waitMs"], 'stop: there is no option called "0"'],
    [null, "stop: expected an object such as { waitMs: 5000, spreadMs: 10_000, code: 1012 }, got null"],
    ["SIGTERM", 'stop: expected an object such as { waitMs: 5000, spreadMs: 10_000, code: 1012 }, got "SIGTERM"'],
  ])("stop refuses %j, and goes on", async (how, message) => {
    const server = createServer(options);
    await server.start();
    const error = await server.stop(how as Parameters<typeof server.stop>[0]).catch((thrown: unknown) => thrown);
    expect(String(error)).toContain(message);
    expect((error as ServerError).code).toBe("ERR_USAGE");
    await server.stop();
  });
});

type Clients<Names extends readonly string[]> = { readonly [Index in keyof Names]: TestClient };

/** A client in each of these rooms, which are opened in this order. */
async function rooms<const Names extends readonly string[]>(
  server: Pick<TestServer, "port" | "log">,
  names: Names,
): Promise<Clients<Names>> {
  const clients: TestClient[] = [];
  for (const name of names) clients.push(await join(server, name));
  return clients as unknown as Clients<Names>;
}
