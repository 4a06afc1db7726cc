import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { compilerFlags } from "../../src/system/compiler-flags.ts";
import { closeCodes, type Server, type ServerOptions } from "../../src/index.ts";
import { maxUnderWay } from "../../src/workers/messages.ts";
import { join, joinSoon, refusal, type TestClient } from "../helpers/client.ts";
import { createServer } from "../helpers/hosts.ts";
import { metric } from "../helpers/metrics.ts";
import { type FreePorts, freePorts } from "../helpers/ports.ts";
import {
  allGone,
  childrenOf,
  commandOf,
  freeDescriptors,
  isAlive,
  limitDescriptors,
  openFilesOf,
  workersOf,
} from "../helpers/processes.ts";
import { node, sh } from "../helpers/programs.ts";
import { ask } from "../helpers/raw-http.ts";
import { upgradeRequest } from "../helpers/raw-socket.ts";
import { runToEnd, startServer, type TestServer } from "../helpers/server.ts";
import { settled } from "../helpers/settled.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";

/** More than can be under way to a worker. */
const moreThanUnderWay = 3 * maxUnderWay;

const twoWorkers = ["--workers", "2", "--metrics", "--stats"];

/** Tells its own pid and that of its worker, and repeats what it hears. */
const pidsAndEcho = sh("echo $$ $PPID; exec cat");

/** As that, but ignores signals, takes a moment to end, and says in a file when it finds that it is not alone in its room. */
const slowEnder = (folder: string): string[] =>
  sh(
    'exec 9>"$1/$ROOM"; flock -n 9 || echo "$ROOM" >> "$1/two-at-once"; trap "" TERM; echo $$ $PPID; cat; sleep 0.3',
    folder,
  );

test.skipIf(process.platform !== "linux")("workers are started with the flags that are meant for them", async () => {
  await using server = await startServer(["--workers", "2", "cat"]);
  const workers = workersOf(server.pid);
  expect(workers).toHaveLength(2);
  const flags = ["--expose-gc", ...compilerFlags];
  for (const pid of workers) expect(commandOf(pid).split("\0")).toEqual(expect.arrayContaining(flags));
});

describe.concurrent("a worker that is lost", () => {
  // The slowest first, since they run side by side.
  test("a worker that hangs for 10 s is replaced, and the rooms of the others go on", async () => {
    await using server = await startServer([...twoWorkers, ...pidsAndEcho]);
    await using first = await seat(server, "a");
    await using second = await seat(server, "b");
    process.kill(first.worker, "SIGSTOP");
    expect(await first.client.closed).toMatchObject({ code: 1006 });
    second.client.send("still here");
    expect((await second.client.messages(2))[1]).toBe("still here");
    expect(second.client.socket.readyState).toBe(second.client.socket.OPEN);
    await allGone([first.worker, first.pid]);
    await until(() => workersOf(server.pid).length === 2, "another worker");
    await using again = await seat(server, "a");
    expect(again.pid).not.toBe(first.pid);
    expect(workersOf(server.pid)).toContain(second.worker);
  });

  test("kill -9 under load closes its rooms and no others, and they can be joined again", async () => {
    await using folder = await tempFolder();
    await using server = await startServer([...twoWorkers, ...slowEnder(folder.path)]);
    const rooms = Array.from({ length: 12 }, (_each, index) => `room-${index}`);
    const seats = await Promise.all(rooms.map(async (room) => seat(server, room)));
    const doomed = seats[0]?.worker as number;
    const lost = seats.filter(({ worker }) => worker === doomed);
    const kept = seats.filter(({ worker }) => worker !== doomed);
    expect(Math.min(lost.length, kept.length)).toBeGreaterThan(0);
    const talks = seats.map(({ client }) => talk(client));
    await until(() => talks.every(({ heard }) => heard > 100), "all rooms to be busy");

    process.kill(doomed, "SIGKILL");
    for (const { client } of lost) expect(await client.closed).toMatchObject({ code: 1006 });
    // Whoever comes before the server knows of it is handed over to a process that is no more.
    await until(() => server.log().includes("ended (SIGKILL)"), "the server to know of it");
    const again = await Promise.all(lost.map(async ({ room }) => seat(server, room)));
    // Whoever joins again has a process that came after the end of the one before.
    expect(lost.filter(({ pid }) => isAlive(pid))).toEqual([]);
    for (const { pid } of again) expect(lost.some((before) => before.pid === pid)).toBe(false);
    const heardSoFar = talks.map(({ heard }) => heard);
    await until(
      () =>
        talks.every(
          ({ heard }, index) => lost.includes(seats[index] as Seat) || heard > (heardSoFar[index] ?? 0) + 500,
        ),
      "the other rooms to go on",
    );
    for (const each of talks) each.stop();
    for (const { client } of kept) {
      expect(client.socket.readyState).toBe(client.socket.OPEN);
      const [, ...numbers] = client.received.map(Number);
      expect(numbers).toEqual(numbers.map((_each, index) => index));
    }
    await until(() => workersOf(server.pid).length === 2, "another worker");
    const echoes = again.map(async ({ client }) => {
      client.send("hello again");
      expect((await client.messages(2))[1]).toBe("hello again");
    });
    await Promise.all(echoes);
    await leaveAll([...seats, ...again]);
    await until(async () => (await openRooms(server)) === 0, "all rooms to be closed");
    expect(existsSync(folder.at("two-at-once"))).toBe(false);
    expect(server.log()).toMatch(
      /error .*worker \d ended \(SIGKILL\): its rooms are closed, and another one is started/,
    );
  });

  test("those who wait for one that stands still get there when it goes on", async () => {
    await using server = await startServer(["--workers", "1", ...pidsAndEcho]);
    await using first = await seat(server, "a");
    process.kill(first.worker, "SIGSTOP");
    const joins = await knock(server, moreThanUnderWay);
    process.kill(first.worker, "SIGCONT");
    const clients = await Promise.all(joins);
    first.client.send("hello");
    for (const client of clients) expect(await client.messages(1)).toEqual(["hello"]);
    await closeAll(clients);
  });

  test("those who wait for one that dies are let in by the next one, but for some that were under way", async () => {
    await using server = await startServer(["--workers", "1", "--metrics", ...pidsAndEcho]);
    await using first = await seat(server, "a");
    process.kill(first.worker, "SIGSTOP");
    const joins = await knock(server, moreThanUnderWay);
    process.kill(first.worker, "SIGKILL");
    const outcomes = await Promise.allSettled(joins);
    const clients = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    expect(clients.length).toBeGreaterThanOrEqual(moreThanUnderWay - maxUnderWay);
    clients[0]?.send("hello");
    for (const client of clients) {
      await until(
        () => client.received.includes("hello"),
        () => `hello: ${String(client.received)}`,
      );
    }
    expect(await ofWorker(server, "connections", 0)).toBe(clients.length);
    await closeAll(clients);
  });

  test("is replaced over and over, and its counters stay", async () => {
    await using server = await startServer([...twoWorkers, ...pidsAndEcho]);
    let before = await totals(server);
    for (let lost = 1; lost <= 3; lost += 1) {
      const room = `room-${lost}`;
      await using each = await seat(server, room);
      each.client.send("hello");
      await each.client.messages(2);
      const during = await totals(server);
      expectNoneLower(during, before);
      process.kill(each.worker, "SIGKILL");
      await each.client.closed;
      await until(async () => (await metric(server, "scalesocket_workers")) === 2, "another worker");
      before = await totals(server);
      expectNoneLower(before, during);
      expect(await metric(server, "scalesocket_workers_lost_total")).toBe(lost);
      expect((await server.http(`/${room}/stats`)).status).toBe(404);
    }
  });

  test("the last one of all is replaced too, and who comes meanwhile waits", async () => {
    await using server = await startServer(["--workers", "1", ...pidsAndEcho]);
    await using first = await seat(server, "a");
    process.kill(first.worker, "SIGKILL");
    await until(() => server.log().includes("another one is started"), "the log to tell of it");
    const others = await Promise.all(["a", "b", "c"].map(async (room) => seat(server, room)));
    expect(new Set(others.map(({ worker }) => worker))).toEqual(new Set(workersOf(server.pid)));
    expect(others.every(({ pid }) => pid !== first.pid)).toBe(true);
    await leaveAll(others);
  });

  test("leaves rooms that count for --maxrooms until their processes are gone", async () => {
    await using server = await startServer([...twoWorkers, "--maxrooms", "2", ...pidsAndEcho]);
    await using first = await seat(server, "a");
    await using second = await seat(server, "b");
    const guardian = childrenOf(first.worker).find((pid) => pid !== first.pid) as number;
    process.kill(guardian, "SIGSTOP");
    process.kill(first.worker, "SIGKILL");
    await until(() => server.log().includes("another one is started"), "the log to tell of it");
    expect((await refusal(server, "c")).status).toBe(503);
    const again = seat(server, "a");
    process.kill(guardian, "SIGCONT");
    await leaveAll([await again, second]);
  });

  test("makes rooms wait that count for --maxrooms", async () => {
    const options = ["--maxrooms", "2", "--cache", "1", "--cachepersist"];
    await using server = await startServer([...twoWorkers, ...options, ...pidsAndEcho]);
    process.kill(workersOf(server.pid)[0] as number, "SIGKILL");
    await until(() => server.log().includes("another one is started"), "the log to tell of it");
    // The first four can be on the worker that is lost only, the others on the one that is there.
    const joins = await Promise.allSettled(Array.from("defgabc", async (room) => join(server, room)));
    const clients = joins.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    expect(clients).toHaveLength(2);
    await closeAll(clients);
  });

  test("is replaced as soon as the server has descriptors for it again", async () => {
    await using server = await startServer(["--workers", "1", "--metrics", ...pidsAndEcho]);
    await using first = await seat(server, "a");
    limitDescriptors(server.pid, 3);
    process.kill(first.worker, "SIGKILL");
    await first.client.closed;
    await until(() => server.log().includes("another one is started"), "the log to tell of it");
    await until(() => /a worker (did not start|cannot be started)/.test(server.log()), "the failure to be told");
    limitDescriptors(server.pid, 10_000);
    await using again = await seat(server, "a");
    expect(workersOf(server.pid)).toEqual([again.worker]);
  });

  test.each([2, 3, 4])("costs no descriptors where the server has nearly enough for another one: %i", async (count) => {
    await using server = await startServer(["--workers", "1", ...pidsAndEcho]);
    const [worker] = workersOf(server.pid);
    const before = await settled(() => openFilesOf(server.pid));
    limitDescriptors(server.pid, freeDescriptors(server.pid, count).at(-1) as number);
    process.kill(worker as number, "SIGKILL");
    await until(() => server.log().includes("did not start: EMFILE"), "the failure to be told");
    limitDescriptors(server.pid, 10_000);
    await until(() => workersOf(server.pid).length === 1, "another worker");
    await until(
      () => openFilesOf(server.pid) === before,
      () => `${before} descriptors, got ${openFilesOf(server.pid)}`,
    );
  });

  test("does not keep the server from stopping in order", async () => {
    await using server = await startServer([...twoWorkers, ...pidsAndEcho]);
    await using first = await seat(server, "a");
    await using second = await seat(server, "b");
    process.kill(first.worker, "SIGKILL");
    await until(() => server.log().includes("another one is started"), "the log to tell of it");
    const exitCode = server.stop();
    expect(await second.client.closed).toEqual({
      code: closeCodes.serviceRestart.code,
      reason: "server is shutting down",
    });
    expect(await exitCode).toBe(0);
    await allGone([first.pid, second.pid, first.worker, second.worker]);
    expect(server.log()).not.toMatch(/ at .*\.js:\d+/);
  });

  test("does not keep the server from ending where its guardian stands still", async () => {
    await using server = await startServer([...twoWorkers, ...pidsAndEcho]);
    const { worker, pid } = await seat(server, "a");
    const guardian = childrenOf(worker).find((child) => child !== pid) as number;
    process.kill(guardian, "SIGSTOP");
    process.kill(worker, "SIGKILL");
    await until(() => server.log().includes("another one is started"), "the log to tell of it");
    server.child.kill("SIGTERM");
    try {
      await until(() => server.child.exitCode === 0, "the server to end");
    } finally {
      process.kill(guardian, "SIGCONT");
    }
    await allGone([guardian, pid]);
  });

  test("is replaced also when it ends while others still start", async () => {
    await using server = await startServer(["-vv", "--workers", "2", ...pidsAndEcho], {
      async whileStarting(pid, log) {
        await until(() => workersOf(pid).length === 2, "two workers");
        const [first, second] = workersOf(pid) as [number, number];
        process.kill(second, "SIGSTOP");
        await until(() => log().includes("worker 0 is ready"), "the first worker");
        process.kill(first, "SIGKILL");
        await until(() => !isAlive(first), "the first worker to be gone");
        process.kill(second, "SIGCONT");
      },
    });
    await until(() => workersOf(server.pid).length === 2, "another worker");
    await using client = await join(server, "a");
    client.send("hello");
    expect((await client.messages(2)).at(-1)).toBe("hello");
  });

  test("takes along also processes whose start was under way", async () => {
    for (let round = 0; round < 6; round += 1) {
      await using folder = await tempFolder();
      await using server = await startServer(["--workers", "1", "sleep", "--", "3600"], { cwd: folder.path });
      const [worker] = workersOf(server.pid) as [number];
      const before = childrenOf(worker);
      const sockets = Array.from(
        { length: 4 },
        (_each, index) => new WebSocket(`ws://127.0.0.1:${server.port}/${index}`),
      );
      for (const socket of sockets) socket.on("error", () => undefined);
      // The first process is there, but hardly known, and others are on their way.
      await until(() => childrenOf(worker).length > before.length, "a process");
      process.kill(worker, "SIGKILL");
      await until(() => workersOf(server.pid).some((pid) => pid !== worker), "another worker");
      await server.stop();
      await until(() => processesIn(folder.path).length === 0, "processes to be gone");
    }
  });

  test("gives its ports back", async () => {
    const ports = await freePorts(4);
    await using server = await startTcp(ports);
    const rooms = ["a", "b", "c", "d"];
    const clients = await Promise.all(rooms.map(async (room) => join(server, room)));
    await greetings(clients, ports);
    for (const worker of workersOf(server.pid)) process.kill(worker, "SIGKILL");
    await Promise.all(clients.map(async ({ closed }) => closed));
    const again = await Promise.all(rooms.map(async (room) => joinSoon(server, room)));
    await greetings(again, ports);
    expect((await refusal(server, "e")).status).toBe(503);
    await closeAll(again);
  });
});

describe.concurrent("the supervisor", () => {
  test("leaves no worker and no process when it is killed", async () => {
    await using server = await startServer([...twoWorkers, ...sh("trap '' TERM; echo $$ $PPID; sleep 100")]);
    const seats = await Promise.all(["a", "b"].map(async (room) => seat(server, room)));
    const workers = workersOf(server.pid);
    const all = [...workers, ...workers.flatMap(childrenOf), ...seats.map(({ pid }) => pid)];
    // One that hangs goes too.
    process.kill(workers[0] as number, "SIGSTOP");
    server.child.kill("SIGKILL");
    await allGone(all);
    await Promise.all(seats.map(async ({ client }) => client.closed));
  });

  test("drains in order where a signal goes to all, as that of a terminal does", async () => {
    const script =
      'trap "" TERM; echo $$ $PPID; while read -r line; do echo "$line"; done; sleep 0.2; echo done > "$1-$ROOM"';
    await using folder = await tempFolder();
    await using server = await startServer([...twoWorkers, ...sh(script, folder.at("end"))], { leadsGroup: true });
    const seats = await Promise.all(["a", "b"].map(async (room) => seat(server, room)));
    const workers = workersOf(server.pid);
    const all = [...workers, ...workers.flatMap(childrenOf), ...seats.map(({ pid }) => pid)];
    process.kill(-server.pid, "SIGINT");
    const goodbyes = await Promise.all(seats.map(async ({ client }) => client.closed));
    expect(goodbyes).toEqual(seats.map(() => ({ code: 1001, reason: "server is shutting down" })));
    expect(await server.exited()).toBe(0);
    await allGone(all);
    expect(["a", "b"].map((room) => existsSync(folder.at(`end-${room}`)))).toEqual([true, true]);
    expect(server.log()).toContain("SIGINT: shutting down");
    expect(server.log()).not.toMatch(/ error /);
  });

  test.each(["SIGINT", "SIGTERM"] as const)("answers all who wait for a worker at %s", async (signal) => {
    await using server = await startServer(["--workers", "1", "--draintime", "0", ...pidsAndEcho]);
    const [worker] = workersOf(server.pid) as [number];
    process.kill(worker, "SIGSTOP");
    const joins = await knock(server, moreThanUnderWay);
    server.child.kill(signal);
    await until(() => server.log().includes("shutting down"), "the signal to be heard");
    process.kill(worker, "SIGCONT");
    const outcomes = await Promise.allSettled(joins.map(async (each) => (await (await each).closed).code));
    const answers = outcomes.map((each) => (each.status === "fulfilled" ? each.value : String(each.reason)));
    const good = new Set<unknown>([1001, 1012, "Error: Unexpected server response: 503"]);
    expect(answers.filter((answer) => !good.has(answer))).toEqual([]);
    expect(await server.exited()).toBe(0);
  });

  test("has all that workers log to the end, also where it stands still meanwhile", async () => {
    const script =
      'echo $$ $PPID; cat; : > "$1/ending"; until [ -e "$1/go" ]; do sleep 0.02; done; ' +
      "for n in $(seq 100 199); do printf '%d-%08000d\\n' $n 0 >&2; done";
    await using folder = await tempFolder();
    const words = ["--workers", "1", "--killgrace", "60", "--stderr", "log", ...sh(script, folder.path)];
    await using server = await startServer(words);
    await using only = await seat(server, "a");
    server.child.kill("SIGINT");
    await until(() => existsSync(folder.at("ending")), "the process to end");
    server.child.kill("SIGSTOP");
    writeFileSync(folder.at("go"), "");
    await allGone([only.pid]);
    // Time for a worker that does not wait to be gone.
    await settled(() => Number(isAlive(only.worker)));
    server.child.kill("SIGCONT");
    expect(await server.exited()).toBe(0);
    const numbers = Array.from(server.log().matchAll(/stderr: (\d+)-0+/g), ([, number]) => Number(number));
    expect(numbers).toEqual(Array.from({ length: 100 }, (_each, index) => 100 + index));
    expect(server.log()).toContain("process exited with code 0");
  });

  test("kills what is left at a second signal", async () => {
    const script = "trap '' TERM INT; echo $$ $PPID; while :; do sleep 1; done";
    await using server = await startServer(["--killgrace", "3600", ...twoWorkers, ...sh(script)], { leadsGroup: true });
    const seats = await Promise.all(["a", "b"].map(async (room) => seat(server, room)));
    const workers = workersOf(server.pid);
    process.kill(-server.pid, "SIGINT");
    await Promise.all(seats.map(async ({ client }) => client.closed));
    process.kill(-server.pid, "SIGINT");
    expect(await server.exited()).toBe(0);
    await allGone([...workers, ...seats.map(({ pid }) => pid)]);
  });

  test("kills a worker that hangs at a second signal", async () => {
    await using server = await startServer([...twoWorkers, ...pidsAndEcho]);
    await using first = await seat(server, "a");
    await using second = await seat(server, "b");
    process.kill(first.worker, "SIGSTOP");
    server.child.kill("SIGINT");
    expect(await second.client.closed).toMatchObject({ code: 1001 });
    server.child.kill("SIGTERM");
    expect(await server.exited()).toBe(0);
    await allGone([first.worker, first.pid]);
    expect(await first.client.closed).toMatchObject({ code: 1006 });
  });
});

describe.concurrent("rooms on workers", () => {
  test("a room is on one worker, however many join it at once, and rooms are on all workers", async () => {
    await using server = await startServer([...twoWorkers, "cat"]);
    const roomCount = 6;
    const clients = await Promise.all(
      Array.from({ length: 48 }, async (_each, index) => join(server, `room-${index % roomCount}`)),
    );
    clients.forEach((client, index) => client.send(String(index)));
    await Promise.all(
      clients.map(async (client, index) => {
        const others = clients.flatMap((_each, other) =>
          other % roomCount === index % roomCount ? [String(other)] : [],
        );
        expect(new Set(await client.messages(others.length))).toEqual(new Set(others));
        expect(client.received).toHaveLength(others.length);
      }),
    );
    const [one, other] = await Promise.all([0, 1].map(async (number) => ofWorker(server, "rooms", number)));
    expect((one ?? 0) + (other ?? 0)).toBe(6);
    expect(Math.min(one ?? 0, other ?? 0)).toBeGreaterThan(0);
    const counts = await Promise.all([0, 1].map(async (number) => ofWorker(server, "connections", number)));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(48);
    await closeAll(clients);
  });

  test("clients that come and go all the time always meet in one process", async () => {
    await using folder = await tempFolder();
    await using server = await startServer([...twoWorkers, ...slowEnder(folder.path)]);
    const visits = Array.from({ length: 4 }, async (_each, visitor) => {
      for (let visit = 0; visit < 8; visit += 1) {
        const room = `room-${(visitor + visit) % 3}`;
        await using client = await join(server, room);
        client.send(`${visitor} ${visit} is here`);
        await until(
          () => client.received.includes(`${visitor} ${visit} is here`),
          () => `${room} to answer ${visitor}\n${server.log()}`,
        );
      }
    });
    await Promise.all(visits);
    await until(async () => (await openRooms(server)) === 0, "all rooms to be closed");
    expect(existsSync(folder.at("two-at-once"))).toBe(false);
  });

  test("a new room goes to the worker with the fewest clients", async () => {
    await using server = await startServer([...twoWorkers, ...pidsAndEcho]);
    const crowd = [await seat(server, "crowded")];
    const others = await Promise.all([1, 2, 3].map(async () => join(server, "crowded")));
    const seats = await ["a", "b", "c"].reduce<Promise<Seat[]>>(
      async (before, room) => [...(await before), await seat(server, room)],
      Promise.resolve([]),
    );
    expect(seats.filter(({ worker }) => worker === crowd[0]?.worker)).toEqual([]);
    await leaveAll([...crowd, ...seats]);
    await closeAll(others);
  });

  test("statistics tell of rooms wherever they are", async () => {
    await using server = await startServer([...twoWorkers, ...pidsAndEcho]);
    const seats = await Promise.all(["a", "b"].map(async (room) => seat(server, room)));
    expect(new Set(seats.map(({ worker }) => worker)).size).toBe(2);
    await using another = await join(server, "b");
    another.send("hello");
    await another.messages(1);
    const answers = await Promise.all(
      ["/a/stats", "/b/stats", "/b/stats/connections", "/c/stats"].map(async (path) => {
        const response = await server.http(path);
        return [response.status, (await response.text()).trim()];
      }),
    );
    expect(answers.slice(0, 3)).toEqual([
      [200, expect.stringMatching(/"connections":1\b/)],
      [200, expect.stringMatching(/"connections":2\b/)],
      [200, "2"],
    ]);
    expect(answers[3]?.[0]).toBe(404);
    expect(await metric(server, 'scalesocket_websocket_connections_open{room="a"}')).toBe(1);
    expect(await metric(server, 'scalesocket_websocket_connections_total{room="b"}')).toBe(2);
    await leaveAll(seats);
  });

  test("the log tells of all workers, and of what is the same for all once", async () => {
    await using server = await startServer(["-vv", ...twoWorkers, ...pidsAndEcho]);
    const seats = await Promise.all(["a", "b"].map(async (room) => seat(server, room)));
    expect(new Set(seats.map(({ worker }) => worker)).size).toBe(2);
    await leaveAll(seats);
    for (const room of ["a", "b"]) {
      for (const what of ["client joined", "process started", "client left", "process exited with code 0"]) {
        const line = new RegExp(`${what}.* room=${room}\\b|room=${room}\\b.*${what}`);
        await until(
          () => line.test(server.log()),
          () => `${what} of ${room} in\n${server.log()}`,
        );
      }
    }
    expect(server.log().match(/listening on/g)).toHaveLength(1);
  });

  test("of refusals all of them together log a hundred lines a second", async () => {
    await using server = await startServer([...twoWorkers, "--maxclients", "1", ...pidsAndEcho]);
    await using first = await seat(server, "a");
    await using second = await seat(server, "b");
    expect(first.worker).not.toBe(second.worker);
    const startMs = performance.now();
    const rooms = Array.from({ length: 300 }, (_, index) => (index % 2 === 0 ? "/a" : "/b"));
    const answers = await Promise.all(rooms.map(async (room) => ask(server.port, upgradeRequest(room))));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([503]));
    let written = 0;
    let leftOut = 0;
    let seconds = 0;
    await until(
      () => {
        const before = written;
        written = server.log().match(/refused with 503: room is full/g)?.length ?? 0;
        leftOut = sumOf(server.log(), /(\d+) more refusals were left out/g);
        // A second begins with a line, and the last one with the last line at the latest.
        if (written > before) seconds = Math.floor((performance.now() - startMs) / 1000) + 1;
        return written + leftOut === 300;
      },
      () => `300 refusals, got ${written} and ${leftOut}`,
    );
    expect(written).toBeLessThanOrEqual(100 * seconds);
  });

  test("--tcp gives each room a port of its own, whichever worker it is on", async () => {
    const ports = await freePorts(5);
    await using server = await startTcp(ports);
    const rooms = ["a", "b", "c", "d", "e"];
    const clients = await Promise.all(rooms.map(async (room) => join(server, room)));
    await greetings(clients, ports);
    const counts = await Promise.all([0, 1].map(async (number) => ofWorker(server, "rooms", number)));
    expect(counts.every((count) => count > 0)).toBe(true);
    const { status, headers } = await refusal(server, "f");
    expect(status).toBe(503);
    expect(Number(headers["retry-after"])).toBeGreaterThan(0);
    await clients.pop()?.[Symbol.asyncDispose]();
    await using next = await joinSoon(server, "f");
    await next.messages(1);
    await closeAll(clients);
  });

  test("a worker that is out of descriptors refuses newcomers, and goes on when it has some again", async () => {
    await using server = await startServer(["--workers", "1", "--maxperip", "5", "--metrics", ...pidsAndEcho]);
    await using first = await seat(server, "a");
    limitDescriptors(first.worker, freeDescriptors(first.worker, 1)[0] as number);
    for (const room of ["a", "b", "b"]) {
      const { status, body, headers } = await refusal(server, room);
      expect({ status, body }).toEqual({ status: 503, body: "server is out of descriptors\n" });
      expect(Number(headers["retry-after"])).toBeGreaterThan(0);
    }
    first.client.send("still here");
    expect((await first.client.messages(2))[1]).toBe("still here");
    limitDescriptors(first.worker, 10_000);
    // Had the three that were refused kept their places, there would be one left.
    const seats = [await seat(server, "b")];
    await using another = await join(server, "a");
    another.send("hello");
    expect(await another.messages(1)).toEqual(["hello"]);
    expect(seats[0]?.worker).toBe(first.worker);
    await until(async () => (await ofWorker(server, "connections", 0)) === 3, "refused clients to be forgotten");
    expect(await metric(server, "scalesocket_workers_lost_total")).toBe(0);
    await leaveAll(seats);
    await until(async () => (await ofWorker(server, "rooms", 0)) === 1, "the other room to be closed");
  });

  test("processes that are out of descriptors tell what they hold, and go on", async () => {
    await using server = await startServer(["--workers", "1", "--metrics", ...pidsAndEcho]);
    await using first = await seat(server, "a");
    limitDescriptors(first.worker, 3);
    expect(await ofWorker(server, "resident_memory_bytes", 0)).toBeGreaterThan(10_000_000);
    limitDescriptors(server.pid, 3);
    server.child.kill("SIGUSR2");
    await until(
      () => /status: .*room=a pid=\d+\n/.test(server.log()),
      () => server.log(),
    );
    for (const name of ["supervisor", "worker 0"]) {
      expect(server.log()).toMatch(
        new RegExp(`status: ${name}: [1-9]\\d* MiB resident, [1-9]\\d* MiB of it in its heap`),
      );
    }
    first.client.send("still here");
    expect((await first.client.messages(2))[1]).toBe("still here");
  });
});

describe.concurrent("metrics of workers", () => {
  test("tell how many there are, and what each of them has", async () => {
    await using server = await startServer([...twoWorkers, ...pidsAndEcho]);
    const seats = await Promise.all(["a", "b"].map(async (room) => seat(server, room)));
    await using another = await join(server, "a");
    another.send("hello");
    await another.messages(1);
    expect(await metric(server, "scalesocket_workers")).toBe(2);
    expect(await metric(server, "scalesocket_workers_lost_total")).toBe(0);
    const numbers = [0, 1];
    const read = async (name: string): Promise<number[]> =>
      Promise.all(numbers.map(async (number) => ofWorker(server, name, number)));
    expect(await read("rooms")).toEqual([1, 1]);
    expect(new Set(await read("connections"))).toEqual(new Set([1, 2]));
    for (const bytes of await read("resident_memory_bytes")) expect(bytes).toBeGreaterThan(10_000_000);
    for (const seconds of await read("event_loop_lag_seconds")) expect(seconds).toBeGreaterThanOrEqual(0);
    await leaveAll(seats);
  });

  test("tell how late an event loop was, and leave out a worker that does not answer", async () => {
    await using server = await startServer(["--workers", "1", "--metrics", ...pidsAndEcho]);
    await using first = await seat(server, "a");
    const received = await metric(server, "scalesocket_processes_started_total");
    process.kill(first.worker, "SIGSTOP");
    // The answer to this is waited for, for about two seconds.
    expect(await metric(server, "scalesocket_workers")).toBe(0);
    expect(await metric(server, "scalesocket_processes_started_total")).toBe(received);
    process.kill(first.worker, "SIGCONT");
    await until(async () => (await metric(server, "scalesocket_workers")) === 1, "the worker to answer");
    expect(await ofWorker(server, "event_loop_lag_seconds", 0)).toBeGreaterThan(1);
    await until(async () => (await ofWorker(server, "event_loop_lag_seconds", 0)) < 1, "the lag to be over");
  });

  test("have no series of workers where there are none", async () => {
    await using server = await startServer(["--workers", "0", "--metrics", "cat"]);
    expect(await metric(server, "scalesocket_workers")).toBe(0);
    const response = await server.http("/metrics");
    expect(await response.text()).not.toMatch(/^scalesocket_worker_\w+\{/m);
  });
});

describe.concurrent("the number of workers", () => {
  test.each([
    ["0", 0],
    ["1", 1],
    ["3", 3],
  ])("--workers %s", async (word, count) => {
    await using server = await startServer(["--workers", word, ...pidsAndEcho]);
    expect(workersOf(server.pid)).toHaveLength(count);
    // Who has rooms has a guardian too.
    expect(childrenOf(server.pid)).toHaveLength(count === 0 ? 1 : count);
    await using one = await seat(server, "a");
    if (count === 0) expect(one.worker).toBe(server.pid);
    else expect(workersOf(server.pid)).toContain(one.worker);
  });

  test("is that of usable cores by default, and can be set by the environment", async () => {
    await using standard = await startServer(["cat"], { env: { NODE_OPTIONS: "" } });
    const cores = Number(execFileSync("nproc", { encoding: "utf8" }));
    expect(workersOf(standard.pid)).toHaveLength(Math.min(cores, 8));
    await using set = await startServer(["cat"], { env: { SCALESOCKET_WORKERS: "1" } });
    expect(workersOf(set.pid)).toHaveLength(1);
  });

  test.each(["-1", "x", "65", "1.5", "", "Auto", "0x2", "1e1", " 2"])("cannot be %j", async (value) => {
    const [asFlag, asVariable] = await Promise.all([
      runToEnd([`--workers=${value}`, "cat"]),
      runToEnd(["cat"], { env: { SCALESOCKET_WORKERS: value === "" ? " " : value } }),
    ]);
    expect(asFlag).toEqual({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining(
        `--workers: expected auto or a whole number from 0 to 64, got ${JSON.stringify(value)}`,
      ),
    });
    expect(asVariable.code).toBe(2);
    expect(asVariable.stderr).toMatch(
      /^scalesocket: SCALESOCKET_WORKERS: expected auto or a whole number from 0 to 64, got /,
    );
  });

  test("does not matter to --oneshot, which has its one room itself", async () => {
    await using server = await startServer(["--oneshot", ...twoWorkers, ...pidsAndEcho]);
    expect(workersOf(server.pid)).toEqual([]);
    expect(childrenOf(server.pid)).toHaveLength(1);
    const one = await seat(server, "a");
    expect(one.worker).toBe(server.pid);
    await leaveAll([one]);
    expect(await server.exited()).toBe(0);
  });
});

describe("createServer", () => {
  const listening: ServerOptions = {
    command: "sh",
    args: ["-c", "echo $$ $PPID; exec cat"],
    addresses: [{ host: "127.0.0.1", port: 0 }],
  };

  test("has rooms in the process itself unless it is told otherwise", async () => {
    await using server = await started(listening);
    expect(workersOf(process.pid)).toEqual([]);
    await using one = await seat(server, "a");
    expect(one.worker).toBe(process.pid);
  });

  test("takes a number of workers, and leaves nothing behind", async () => {
    const server = await started({ ...listening, workers: 2 });
    const workers = workersOf(process.pid);
    expect(workers).toHaveLength(2);
    const seats = await Promise.all(["a", "b"].map(async (room) => seat(server, room)));
    expect(new Set(seats.map(({ worker }) => worker))).toEqual(new Set(workers));
    await server[Symbol.asyncDispose]();
    await Promise.all(seats.map(async ({ client }) => client.closed));
    await allGone([...workers, ...seats.map(({ pid }) => pid)]);
    expect(workersOf(process.pid)).toEqual([]);
  });

  test("refuses a number of workers that is out of range", () => {
    for (const workers of [-1, 65, 1.5, "2" as unknown as number]) {
      expect(() => createServer({ ...listening, workers })).toThrow(
        /^workers: expected auto or a whole number from 0 to 64, got /,
      );
    }
  });
});

type Door = Pick<TestServer, "port" | "log">;

/** A client with the process of its room, and the worker that is the parent of that. */
interface Seat extends AsyncDisposable {
  readonly room: string;
  readonly client: TestClient;
  readonly pid: number;
  readonly worker: number;
}

/** Is the first to join a room whose process tells its pids. */
async function seat(server: Door, room: string): Promise<Seat> {
  const client = await join(server, room);
  const [line] = await client.messages(1);
  const [pid, worker] = String(line).split(" ").map(Number) as [number, number];
  return { room, client, pid, worker, [Symbol.asyncDispose]: async () => client[Symbol.asyncDispose]() };
}

/** Sends numbers from 0 on, each when one that was sent before has come back, some ahead. */
function talk(client: TestClient): { readonly heard: number; stop(): void } {
  let next = 0;
  let heard = 0;
  let isOver = false;
  const send = (): void => {
    if (isOver || client.socket.readyState !== client.socket.OPEN) return;
    client.send(String(next));
    next += 1;
  };
  client.socket.on("message", () => {
    heard += 1;
    send();
  });
  for (let ahead = 0; ahead < 4; ahead += 1) send();
  return {
    get heard() {
      return heard;
    },
    stop() {
      isOver = true;
    },
  };
}

async function leaveAll(seats: readonly Seat[]): Promise<void> {
  await closeAll(seats.map(({ client }) => client));
}

async function closeAll(clients: readonly TestClient[]): Promise<void> {
  await Promise.all(clients.map(async (client) => client[Symbol.asyncDispose]()));
}

async function ofWorker(server: TestServer, name: string, number: number): Promise<number> {
  return metric(server, `scalesocket_worker_${name}{worker="${number}"}`);
}

/** How many rooms are open, on workers that answer. */
async function openRooms(server: TestServer): Promise<number> {
  const response = await server.http("/metrics");
  return (await response.text())
    .split("\n")
    .filter((line) => line.startsWith("scalesocket_websocket_connections_open{")).length;
}

/** All totals that are not of one room. */
async function totals(server: TestServer): Promise<Map<string, number>> {
  const response = await server.http("/metrics");
  const lines = (await response.text())
    .split("\n")
    .filter((line) => /^scalesocket_\w+_(total|count|bucket)\b/.test(line));
  return new Map(
    lines.flatMap((line) => {
      const [series = "", value] = line.split(/ (?=[^ ]+$)/);
      return series.includes("room=") ? [] : [[series, Number(value)]];
    }),
  );
}

function expectNoneLower(now: ReadonlyMap<string, number>, before: ReadonlyMap<string, number>): void {
  expect(before.size).toBeGreaterThan(10);
  for (const [series, value] of before) expect(now.get(series), series).toBeGreaterThanOrEqual(value);
}

async function startTcp(ports: FreePorts): Promise<TestServer> {
  return startServer(["--tcp", "--tcpports", ports.range, ...twoWorkers, ...node("tcp-echo.mjs")]);
}

/** Each room has another one of the ports, and all are in use. */
async function greetings(clients: readonly TestClient[], { start }: FreePorts): Promise<void> {
  const lines = await Promise.all(clients.map(async (client) => (await client.messages(1))[0]));
  const expected = clients.map((_each, index) => `connection 1 on ${start + index}`);
  expect(lines.map(String).toSorted()).toEqual(expected.toSorted());
}

/** Has so many clients ask for room "a", and waits until the server has heard of all. */
async function knock(server: TestServer, count: number): Promise<Promise<TestClient>[]> {
  // The server's own name of a client that was handed over last may be there for a moment.
  const before = await settled(() => openFilesOf(server.pid));
  const joins = Array.from({ length: count }, async () => join(server, "a"));
  for (const each of joins) each.catch(() => undefined);
  await until(() => openFilesOf(server.pid) >= before + count, "all to be there");
  await server.http("/health");
  return joins;
}

interface Started extends Door, AsyncDisposable {
  readonly server: Server;
}

/** A server of the library in this process, for the time of one test. */
async function started(options: ServerOptions): Promise<Started> {
  const server = createServer(options);
  const [address] = await server.start();
  return { server, port: address?.port ?? 0, log: () => "", [Symbol.asyncDispose]: async () => server.stop() };
}

/** The processes that work in a folder. */
function processesIn(folder: string): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => isAlive(pid) && workingFolder(pid) === folder);
}

function workingFolder(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

/** The sum of the numbers that stand first in what matches. */
function sumOf(text: string, pattern: RegExp): number {
  let sum = 0;
  for (const [, number] of text.matchAll(pattern)) sum += Number(number);
  return sum;
}
