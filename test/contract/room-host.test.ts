import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { UnreadConnection } from "../../src/system/unread-connection.ts";
import { join, refusal, type TestClient } from "../helpers/client.ts";
import { fakeRequest } from "../helpers/fakes.ts";
import { holdWorkers, type HostKind, openHost, type OpenHost } from "../helpers/hosts.ts";
import { freePorts } from "../helpers/ports.ts";
import { allGone, childrenOf, isAlive, workersOf } from "../helpers/processes.ts";
import { node, sh } from "../helpers/programs.ts";
import { RawClient, textFrame } from "../helpers/raw-client.ts";
import { exchange, upgradeRequest } from "../helpers/raw-socket.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";
import { expectWritten } from "../helpers/written.ts";

const hosts: readonly (readonly [string, HostKind])[] = [
  ["this process", "local"],
  ["one worker", 1],
  ["two workers", 2],
];

const pidAndEcho = sh("echo $$; cat");

describe.each(hosts)("rooms in %s", (_, kind) => {
  test("what a client says comes back from the room's process", async () => {
    await using open = await openHost(kind, pidAndEcho);
    await using client = await join(open, "a");
    client.send("hello");
    client.send("\u{1f600}");
    const [pid, ...rest] = await client.messages(3);
    expect(isAlive(Number(pid))).toBe(true);
    expect(rest).toEqual(["hello", "\u{1f600}"]);
  });

  test("clients of a room share one process, and each room has its own", async () => {
    await using open = await openHost(kind, pidAndEcho);
    const names = ["a", "b", "c", "d"];
    const clients = await Promise.all(names.map(async (name) => join(open, name)));
    const pids = await Promise.all(clients.map(async (client) => (await client.messages(1))[0]));
    expect(new Set(pids).size).toBe(names.length);
    const seconds = await Promise.all(names.map(async (name) => join(open, name)));
    await Promise.all(
      seconds.map(async (second, index) => {
        second.send(`to ${names[index]}`);
        expect(await second.messages(1)).toEqual([`to ${names[index]}`]);
        expect(await clients[index]?.messages(2)).toEqual([pids[index], `to ${names[index]}`]);
      }),
    );
    await leaveAll([...clients, ...seconds]);
    await allGone(pids.map(Number));
  });

  test("many who come to a room at once are all in one", async () => {
    await using open = await openHost(kind, pidAndEcho);
    const clients = await Promise.all(
      Array.from({ length: 20 }, async (_each, index) => join(open, `room-${index % 4}`)),
    );
    // Whoever came before the process said its pid has it; the others hear the same echo.
    clients.forEach((client, index) => client.send(`from ${index}`));
    await Promise.all(
      clients.map(async (client, index) => {
        const others = Array.from({ length: 5 }, (_each, nth) => `from ${nth * 4 + (index % 4)}`);
        await until(
          () => others.every((text) => client.received.includes(text)),
          () => `${index} to hear its room, got ${client.received.join(" ")}`,
        );
        expect(client.received.filter((text) => String(text).startsWith("from"))).toHaveLength(others.length);
      }),
    );
    await leaveAll(clients);
  });

  test("ids are those of the requests", async () => {
    await using open = await openHost(kind, ["cat"], { options: { joinMessage: "#ID #ROOM" } });
    await using first = await join(open, "a");
    await first.messages(1);
    await using second = await join(open, "b");
    await second.messages(1);
    await using third = await join(open, "a");
    await first.messages(2);
    expect([first, second, third].map(({ received }) => received)).toEqual([["1 a", "3 a"], ["2 b"], ["3 a"]]);
  });

  test("rooms that are open can be found and listed, and reading makes none", async () => {
    await using open = await openHost(kind, ["cat"]);
    expect(await open.host.find("a")).toBeUndefined();
    await using first = await joined(open, "a");
    await using second = await joined(open, "a");
    await using third = await joined(open, "b");
    expect(await open.host.find("a")).toMatchObject({ name: "a", connections: 2, joined: 2 });
    expect(await open.host.find("b")).toMatchObject({ name: "b", connections: 1, joined: 1 });
    expect(await open.host.find("c")).toBeUndefined();
    expect(await roomNames(open)).toEqual(["a", "b"]);
    await leaveAll([second, third]);
    await until(async () => (await open.host.find("b")) === undefined, "an empty room to be closed");
    expect(await open.host.find("a")).toMatchObject({ connections: 1, joined: 2 });
    await leaveAll([first]);
    await empty(open);
  });

  test("metadata of a room, which may be large, is told with the room, and not with the figures of all", async () => {
    await using open = await openHost(kind, sh(`echo '{"_meta":true,"a":1}'; echo ready; cat`), {
      options: { frame: "json" },
    });
    await using client = await join(open, "a");
    await client.messages(1);
    const about = { name: "a", connections: 1, joined: 1 };
    expect(await open.host.list()).toEqual([{ ...about, metadata: '{"a":1}' }]);
    expect((await open.host.figures()).rooms).toEqual([about]);
    await leaveAll([client]);
    await empty(open);
  });

  test("what rooms have done is counted over all of them, and stays when they are gone", async () => {
    await using open = await openHost(kind, ["cat"]);
    const clients = await Promise.all(["a", "b", "c"].map(async (name) => join(open, name)));
    for (const client of clients) client.send("hello");
    await Promise.all(clients.map(async (client) => client.messages(1)));
    const { rooms, workers, workersLost } = await open.host.figures();
    expect(rooms.map(({ name, connections }) => `${name} ${connections}`).toSorted()).toEqual(["a 1", "b 1", "c 1"]);
    expect(workersLost).toBe(0);
    expect(workers.size).toBe(kind === "local" ? 0 : kind);
    const figures = [...workers.values()];
    if (kind !== "local") expect(figures.reduce((sum, worker) => sum + worker.connections, 0)).toBe(3);
    await leaveAll(clients);
    await empty(open);
    const after = await open.host.figures();
    expect(after.rooms).toEqual([]);
    expect(after.counters).toMatchObject({
      messagesReceived: 3,
      bytesReceived: 15,
      messagesSent: 3,
      processesStarted: 3,
      processesEnded: { success: 3, failure: 0 },
    });
    expect([...after.workers.values()].map(({ rooms: count, connections }) => [count, connections])).toEqual(
      figures.map(() => [0, 0]),
    );
  });

  test("what rooms have to say is logged, once", async () => {
    await using open = await openHost(kind, sh("exit 3"));
    await using client = await join(open, "a");
    expect(await client.closed).toEqual({ code: 1011, reason: "process exited with code 3" });
    await until(() => open.logger.lines.some((line) => /exited/.test(line)), "the log to tell of the end");
    expect(open.logger.lines.filter((line) => /exited/.test(line))).toEqual(["warn process exited with code 3"]);
    expect(open.logger.lines.filter((line) => /started/.test(line))).toEqual(["info process started"]);
    expect(open.logger.lines).toContain("debug client joined");
  });

  test("a client that is closed but takes nothing keeps its place until its connection is gone", async () => {
    const options = { maxConnections: 1, binary: true, clientBufferBytes: 64 * 1024 * 1024 };
    await using open = await openHost(kind, sh("head -c 32000000 /dev/zero"), { options });
    await using slow = new RawClient(open);
    await slow.join("/a");
    slow.socket.pause();
    await until(async () => (await open.host.find("a")) === undefined, "its room to be closed");
    expect(await refusal(open, "b")).toMatchObject({ status: 503, body: "server is full\n" });
    slow.socket.destroy();
    await until(() => open.gone.includes(1), "its place to be free");
    await using next = await join(open, "b");
    await next.messages(1);
  });

  test("where there is nothing to run a room with, its client is refused, and others are not", async () => {
    const { start, end } = await freePorts(1);
    await using open = await openHost(kind, node("tcp-echo.mjs"), { options: { tcp: true, tcpPorts: { start, end } } });
    await using first = await join(open, "a");
    await first.messages(1);
    for (const room of ["b", "c", "b"]) {
      const { status, body, headers } = await refusal(open, room);
      expect({ status, body }).toEqual({ status: 503, body: "no port left for another room\n" });
      expect(Number(headers["retry-after"])).toBeGreaterThan(0);
    }
    expect(await roomNames(open)).toEqual(["a"]);
    await using second = await join(open, "a");
    second.send("hello");
    expect(await second.messages(1)).toEqual(["hello"]);
    await leaveAll([first, second]);
    await empty(open);
    await using next = await join(open, "b");
    expect(await next.messages(1)).toEqual([`connection 1 on ${start}`]);
    if (kind !== "local") await clientsOfWorkers(open, 1);
  });

  test.each([
    ["ended", (socket: Socket) => socket.destroy()],
    ["reset", (socket: Socket) => socket.resetAndDestroy()],
  ])("a client whose connection was %s before it is let in leaves nothing behind", async (_how, cut) => {
    await using open = await openHost(kind, pidAndEcho);
    using held = holdWorkers();
    for (const room of ["a", "a", "b"]) {
      const socket = connect(open.port, "127.0.0.1").on("error", () => undefined);
      socket.write(upgradeRequest(`/${room}`));
      await requested(open);
      cut(socket);
      await once(socket, "close");
    }
    held.letGo();
    await empty(open);
    await using client = await join(open, "a");
    client.send("hello");
    await until(() => client.received.includes("hello"), "the room to be as good as new");
    if (kind !== "local") await clientsOfWorkers(open, 1);
  });

  test("bytes that come right behind the request reach the process whole and in order", async () => {
    await using folder = await tempFolder();
    await using open = await openHost(kind, sh('cat > "$1"', folder.at("input")));
    const messages = Array.from({ length: 500 }, (_each, index) => `message ${index}`);
    const frames = Buffer.concat(messages.map(textFrame));
    const socket = connect(open.port, "127.0.0.1").on("error", () => undefined);
    socket.write(Buffer.concat([Buffer.from(upgradeRequest("/a")), frames]));
    await expectWritten(folder.at("input"), messages.map((line) => `${line}\n`).join(""));
    socket.destroy();
    await empty(open);
  });

  test("bytes that come while a client waits to be let in reach the process whole and in order", async () => {
    await using folder = await tempFolder();
    await using open = await openHost(kind, sh('cat > "$1-$ROOM"', folder.at("input")));
    using held = holdWorkers();
    const messages = Array.from({ length: 3000 }, (_each, index) => `message ${index}`);
    const frames = Buffer.concat(messages.map(textFrame));
    const sockets = ["a", "b", "c"].map((room) => {
      const socket = connect(open.port, "127.0.0.1")
        .setNoDelay()
        .on("error", () => undefined);
      socket.write(Buffer.concat([Buffer.from(upgradeRequest(`/${room}`)), frames.subarray(0, 3)]));
      return socket;
    });
    await until(() => open.requests.length === sockets.length, "all requests");
    // Pieces that are cut anywhere, before, while and after the clients are handed over.
    const size = 997;
    for (let at = 3; at < frames.length; at += size) {
      if (at > frames.length / 3) held.letGo();
      for (const socket of sockets) socket.write(frames.subarray(at, at + size));
      await turn();
    }
    const input = messages.map((line) => `${line}\n`).join("");
    await Promise.all(["a", "b", "c"].map(async (room) => expectWritten(folder.at(`input-${room}`), input)));
    for (const socket of sockets) socket.destroy();
    await empty(open);
  });

  test("a drain tells clients, ends processes, refuses newcomers, and is over when nothing is left", async () => {
    await using folder = await tempFolder();
    const script = 'trap "" TERM; echo $$; while read -r _; do :; done; while ! [ -e "$1" ]; do sleep 0.02; done';
    await using open = await openHost(kind, sh(script, folder.at("end")));
    const clients = await Promise.all(["a", "b"].map(async (name) => join(open, name)));
    const pids = await Promise.all(clients.map(async (client) => Number((await client.messages(1))[0])));
    let isDrained = false;
    const drained = open.host.drain().finally(() => {
      isDrained = true;
    });
    const goodbyes = await Promise.all(clients.map(async ({ closed }) => closed));
    expect(goodbyes).toEqual([1, 2].map(() => ({ code: 1001, reason: "server is shutting down" })));
    const { status, body, headers } = await refusal(open, "a");
    expect({ status, body }).toEqual({ status: 503, body: "server is shutting down\n" });
    expect(Number(headers["retry-after"])).toBeGreaterThan(0);
    expect((await refusal(open, "c")).status).toBe(503);
    expect(isDrained).toBe(false);
    expect(pids.map(isAlive)).toEqual([true, true]);
    writeFileSync(folder.at("end"), "");
    await drained;
    expect(pids.map(isAlive)).toEqual([false, false]);
    expect((await refusal(open, "a")).status).toBe(503);
    expect(childrenOf(process.pid)).toEqual([]);
  });

  test("a drain without a room is over at once", async () => {
    await using open = await openHost(kind, ["cat"]);
    await open.host.drain();
    expect(await open.host.list()).toEqual([]);
    expect((await refusal(open, "a")).status).toBe(503);
  });

  test("a kill ends processes that ignore everything, and cuts clients that say nothing", async () => {
    await using open = await openHost(kind, sh("trap '' TERM INT; echo $$; while :; do sleep 1; done"), {
      options: { killGraceMs: 3_600_000 },
    });
    await using client = await join(open, "a");
    const [pid] = await client.messages(1);
    // A client that does not answer the close of its connection.
    const silent = connect(open.port, "127.0.0.1").on("error", () => undefined);
    silent.write(upgradeRequest("/a"));
    await until(async () => (await open.host.find("a"))?.connections === 2, "the silent client");
    const drained = open.host.drain();
    await client.closed;
    open.host.kill();
    await drained;
    await allGone([Number(pid)]);
    silent.resume();
    await once(silent, "close");
  });

  test("an answer to a client that is not let in ends its connection", async () => {
    await using open = await openHost(kind, ["cat"]);
    await open.host.drain();
    expect(await exchange(open.port, upgradeRequest("/a"))).toMatch(/^HTTP\/1\.1 503 [^]*server is shutting down\n$/);
  });
});

describe("a host of rooms in workers", () => {
  test("starts as many workers as it was asked for, and spreads rooms over them", async () => {
    await using open = await openHost(2, ["cat"]);
    expect(workersOf()).toHaveLength(2);
    const clients = await Promise.all(["a", "b", "c", "d"].map(async (name) => joined(open, name)));
    const { workers } = await open.host.figures();
    expect([...workers].map(([number, { rooms, connections }]) => [number, rooms, connections])).toEqual([
      [0, 2, 2],
      [1, 2, 2],
    ]);
    for (const { residentBytes, lagMs } of workers.values()) {
      expect(residentBytes).toBeGreaterThan(10_000_000);
      expect(lagMs).toBeGreaterThanOrEqual(0);
    }
    await leaveAll(clients);
  });

  test("answers for the others where one of its workers hangs", async () => {
    await using open = await openHost(2, ["cat"]);
    await using first = await joined(open, "a");
    await using second = await joined(open, "b");
    for (const client of [first, second]) client.send("more");
    await Promise.all([first, second].map(async (client) => client.messages(2)));
    const before = await open.host.figures();
    const [hung = 0] = workersOf();
    process.kill(hung, "SIGSTOP");
    const { rooms, workers, counters } = await open.host.figures();
    const names = await roomNames(open);
    const found = await Promise.allSettled(["a", "b"].map(async (name) => open.host.find(name)));
    process.kill(hung, "SIGCONT");
    expect(workers.size).toBe(1);
    expect(rooms).toHaveLength(1);
    expect(names).toEqual(rooms.map(({ name }) => name));
    // Of the room in that worker it is not said that it is not open.
    expect(found.find(({ status }) => status === "fulfilled")).toMatchObject({ value: { name: names[0] } });
    expect(found.find(({ status }) => status === "rejected")).toMatchObject({ reason: { status: 503 } });
    // What the other one had done is known from before.
    expect(counters.messagesReceived).toBe(before.counters.messagesReceived);
    await until(async () => (await open.host.figures()).workers.size === 2, "the worker to answer again");
    expect(workersOf()).toContain(hung);
  });

  test("takes note of a client whose socket is closed already, and the next one comes in", async () => {
    await using open = await openHost(1, ["cat"]);
    const socket = new Socket();
    socket.destroy();
    const request = { ...fakeRequest("a"), connectionId: 1000 };
    const connection = UnreadConnection.ofSocket(socket);
    open.host.admit(request, { connection, head: Buffer.alloc(0), answer: "", isCompressing: false });
    await until(() => open.gone.includes(1000), "the client to be gone");
    await using client = await joined(open, "a");
    await leaveAll([client]);
  });

  test("what it has counted never goes down, though a worker dies", async () => {
    await using open = await openHost(2, ["cat"]);
    await using first = await joined(open, "a");
    await using second = await joined(open, "b");
    const before = await open.host.figures();
    for (const pid of workersOf()) process.kill(pid, "SIGKILL");
    await Promise.all([first.closed, second.closed]);
    await until(async () => (await open.host.figures()).workers.size === 2, "two new workers");
    const after = await open.host.figures();
    expect(after.workersLost).toBe(2);
    for (const name of [
      "messagesReceived",
      "messagesSent",
      "processesStarted",
      "bytesReceived",
      "bytesSent",
    ] as const) {
      expect(after.counters[name], name).toBeGreaterThanOrEqual(before.counters[name]);
    }
  });
});

/** Joins a room, and resolves when its process has answered. */
async function joined(open: OpenHost, room: string): Promise<TestClient> {
  const client = await join(open, room);
  client.send("joined");
  await client.messages(1);
  return client;
}

async function leaveAll(clients: readonly TestClient[]): Promise<void> {
  await Promise.all(clients.map(async (client) => client[Symbol.asyncDispose]()));
}

async function roomNames({ host }: OpenHost): Promise<string[]> {
  const rooms = await host.list();
  return rooms.map(({ name }) => name).toSorted();
}

async function empty(open: OpenHost): Promise<void> {
  await until(async () => (await open.host.list()).length === 0, "all rooms to be closed");
}

/** Waits for one request more. */
async function requested({ requests }: OpenHost): Promise<void> {
  const before = requests.length;
  await until(() => requests.length > before, "a request");
}

async function clientsOfWorkers({ host }: OpenHost, count: number): Promise<void> {
  await until(async () => {
    const { workers } = await host.figures();
    return [...workers.values()].reduce((sum, worker) => sum + worker.connections, 0) === count;
  }, `workers to have ${count} clients`);
}
