import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { link, open, unlink } from "node:fs/promises";
import { type AddressInfo, connect, createServer, type ListenOptions } from "node:net";
import { describe, expect, test } from "vitest";
import { SocketCalls } from "../../src/systemd/socket-calls.ts";
import { join } from "../helpers/client.ts";
import { datagramSocket } from "../helpers/datagram-socket.ts";
import { childrenOf, workersOf } from "../helpers/processes.ts";
import { sh } from "../helpers/programs.ts";
import { type RunOptions, startServer, type TestServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";
import { wholeLog } from "../helpers/whole-log.ts";

/** What no process that the server starts may be told. */
const ownVariables = /^(?:LISTEN_|NOTIFY_SOCKET|WATCHDOG_)/m;

/** More than Node lets wait by itself. */
const newcomers = 600;

describe.concurrent("sockets that are passed", () => {
  test("take the place of the default address: TCP and unix, several of them", async () => {
    await using folder = await tempFolder();
    const web = await passed({ host: "127.0.0.1", port: 0 });
    const sockets = [web, await passedUnix(folder.at("s"))];
    await using server = await startWith(sockets, ["cat"], { addresses: [] });
    const { port } = web.address as AddressInfo;
    expect(listeningOn(server)).toEqual([`127.0.0.1:${port}`, `unix:${folder.at("s")}`]);
    await using first = await join(server, "a");
    await using second = await join({ ...server, origin: `ws+unix:${folder.at("s")}:` }, "a");
    second.send("hello");
    expect(await first.messages(1)).toEqual(["hello"]);
    await server.stop();
    // It is not ours, and systemd listens on for the next one.
    expect(readdirSync(folder.path)).toContain("s");
  });

  test("are listened on beside what --addr says", async () => {
    const socket = await passed({ host: "127.0.0.1", port: 0 });
    await using server = await startWith([socket], ["cat"], { addresses: ["127.0.0.2:0"] });
    expect(listeningOn(server)).toEqual([`127.0.0.1:${server.port}`, expect.stringMatching(/^127\.0\.0\.2:/)]);
  });

  test("are for operators where they are called so", async () => {
    const admin = await passed({ host: "127.0.0.2", port: 0 });
    const sockets = [await passed({ host: "127.0.0.1", port: 0 }), admin];
    const env = { LISTEN_FDNAMES: "web:admin" };
    await using server = await startWith(sockets, ["cat"], { addresses: [], env });
    const { port } = admin.address as AddressInfo;
    expect(listeningOn(server)).toEqual([`127.0.0.1:${server.port}`, `127.0.0.2:${port} for operators`]);
    expect((await fetch(`http://127.0.0.2:${port}/health`)).status).toBe(200);
    expect((await server.http("/health")).status).toBe(404);
  });

  test.each([0, 2])("are inherited by nothing that is started, with %i workers", async (workers) => {
    await using folder = await tempFolder();
    const sockets = [await passed({ host: "127.0.0.1", port: 0 }), await passedUnix(folder.at("s"))];
    const words = [
      "--workers",
      String(workers),
      "--passenv",
      "PATH,LISTEN_FDS,NOTIFY_SOCKET",
      ...sh("env; sleep 1000"),
    ];
    const env = { NOTIFY_SOCKET: folder.at("notify"), WATCHDOG_USEC: "60000000" };
    await using server = await startWith(sockets, words, { addresses: [], env });
    const shared = listeningInodes(server.pid);
    expect(shared).toHaveLength(2);
    await using client = await join(server, "a");
    await until(() => client.received.some((line) => String(line).startsWith("ROOM=")), "the environment");
    expect(client.received.join("\n")).not.toMatch(ownVariables);
    const owners = workers === 0 ? [server.pid] : workersOf(server.pid);
    const started = new Set([...childrenOf(server.pid), ...owners.flatMap(childrenOf)]);
    expect(started.size).toBeGreaterThan(workers);
    for (const pid of started) {
      expect(readFileSync(`/proc/${pid}/environ`, "utf8").replaceAll("\0", "\n")).not.toMatch(ownVariables);
      expect(inodesOf(pid).filter((inode) => shared.includes(inode))).toEqual([]);
    }
  });

  test.skipIf(Number(readFileSync("/proc/sys/net/core/somaxconn", "utf8")) < newcomers)(
    "let as many wait while the server is busy as --addr and --unixsocket do",
    async () => {
      await using folder = await tempFolder();
      const socket = await passed({ host: "127.0.0.1", port: 0 });
      const words = ["--unixsocket", folder.at("s"), "cat"];
      await using server = await startWith([socket], words, { addresses: ["127.0.0.2:0"] });
      const [, port] = /listening on 127\.0\.0\.2:(\d+)/.exec(server.log()) ?? [];
      server.child.kill("SIGSTOP");
      try {
        await connectMany(newcomers, socket.address as AddressInfo);
        await connectMany(newcomers, { address: "127.0.0.2", port: Number(port) });
        await connectMany(newcomers, { path: folder.at("s") });
      } finally {
        server.child.kill("SIGCONT");
      }
    },
  );

  test("for another process are left alone", async () => {
    const socket = await passed({ host: "127.0.0.1", port: 0 });
    const env = { LISTEN_FDS: "1", LISTEN_PID: "1" };
    await using server = await startServer(["cat"], { env, extraDescriptors: [socket.descriptor] });
    socket.release();
    expect(server.port).not.toBe((socket.address as AddressInfo).port);
    expect(listeningOn(server)).toEqual([`127.0.0.1:${server.port}`]);
  });

  test("that cannot be listened on are errors that name them", async () => {
    const file = openSync("/dev/null", "r");
    const listener = await passed({ host: "127.0.0.1", port: 0 });
    const client = connect((listener.address as AddressInfo).port);
    await once(client, "connect");
    const { _handle: handle } = client as unknown as { _handle: { fd: number } };
    const starts = [
      startServer(["cat"], { passesSockets: true, env: { LISTEN_FDS: "1" }, extraDescriptors: [file] }),
      startServer(["cat"], { passesSockets: true, env: { LISTEN_FDS: "1" }, extraDescriptors: [handle.fd] }),
      startServer(["cat"], { passesSockets: true, env: { LISTEN_FDS: "x" } }),
    ];
    const reasons = (await Promise.allSettled(starts)).map((end) => String((end as PromiseRejectedResult).reason));
    client.destroy();
    listener.release();
    closeSync(file);
    expect(reasons).toEqual([
      expect.stringContaining(" error cannot listen on descriptor 3 (unknown): getsockopt: ENOTSOCK\n"),
      expect.stringContaining(" error cannot listen on descriptor 3 (unknown): it does not listen; a socket unit"),
      expect.stringContaining(' error LISTEN_FDS: expected a number of sockets up to 1000, got "x"'),
    ]);
  });
});

describe.concurrent("the service manager", () => {
  test.each(["notify", "@"])("is told over %s when the server is ready, lives, and stops", async (name) => {
    await using folder = await tempFolder();
    const path = name === "@" ? `@${folder.at("abstract")}` : folder.at(name);
    using manager = datagramSocket(path);
    const env = { NOTIFY_SOCKET: path, WATCHDOG_USEC: "200000" };
    await using server = await startServer(["cat"], { env });
    await until(() => manager.received().length > 0, "to be told");
    expect(manager.received()[0]).toBe(`READY=1\nSTATUS=listening on 127.0.0.1:${server.port}\n`);
    await until(() => manager.received().length > 3, "signs of life");
    expect(new Set(manager.received().slice(1))).toEqual(new Set(["WATCHDOG=1\n"]));
    expect(await server.stop()).toBe(0);
    expect(manager.received()).toContain("STOPPING=1\nSTATUS=shutting down\n");
  });

  test("is not told that a server is ready that was asked to stop before, and nor does the log say so", async () => {
    await using folder = await tempFolder();
    using manager = datagramSocket(folder.at("notify"));
    execFileSync("mkfifo", [folder.at("key")]);
    const start = startServer(["--workers", "0", "--auth-jwt-key", folder.at("key"), "cat"], {
      env: { NOTIFY_SOCKET: folder.at("notify") },
      async whileStarting(pid, log) {
        // The start goes on once the key is read.
        await using key = await open(folder.at("key"), "w");
        process.kill(pid, "SIGTERM");
        await until(() => log().includes("shutting down"), log);
        await key.writeFile("k".repeat(32));
      },
    });
    await expect(start).rejects.toThrow(/^the server did not start: .*SIGTERM: shutting down\n$/);
    expect(manager.received()).toEqual(["STOPPING=1\nSTATUS=shutting down\n"]);
  });

  test("is told when settings are read again, and when that is done", async () => {
    await using folder = await tempFolder();
    using manager = datagramSocket(folder.at("notify"));
    await using server = await startServer(["cat"], { env: { NOTIFY_SOCKET: folder.at("notify") } });
    await until(() => manager.received().length > 0, "to be told");
    const before = process.hrtime.bigint() / 1000n;
    server.child.kill("SIGHUP");
    await until(() => manager.received().length > 2, "to be told of the reload");
    const [ready, reloading, again] = manager.received();
    const [, digits = ""] = /^RELOADING=1\nMONOTONIC_USEC=(\d+)\nSTATUS=reloading\n$/.exec(reloading ?? "") ?? [];
    expect(BigInt(digits)).toBeGreaterThanOrEqual(before);
    expect(BigInt(digits)).toBeLessThanOrEqual(process.hrtime.bigint() / 1000n);
    expect(again).toBe(ready);
  });

  test("hears no sign of life that it wants from another process, or not at all", async () => {
    await using folder = await tempFolder();
    using manager = datagramSocket(folder.at("notify"));
    const envs: Record<string, string>[] = [
      { WATCHDOG_USEC: "1000", WATCHDOG_PID: "1" },
      { WATCHDOG_USEC: "never" },
      {},
    ];
    for (const env of envs) {
      await using server = await startServer(["cat"], { env: { NOTIFY_SOCKET: folder.at("notify"), ...env } });
      await server.http("/health");
      await server.stop();
    }
    expect(manager.received().map((text) => text.replace(/\n.*/s, ""))).toEqual(
      envs.flatMap(() => ["READY=1", "STOPPING=1"]),
    );
  });

  test("hears no sign of life while the event loop hangs", async () => {
    await using folder = await tempFolder();
    using manager = datagramSocket(folder.at("notify"));
    const env = { NOTIFY_SOCKET: folder.at("notify"), WATCHDOG_USEC: "20000" };
    await using server = await startServer(["cat"], { env });
    await until(() => manager.received().length > 3, "signs of life");
    server.child.kill("SIGSTOP");
    await until(() => readFileSync(`/proc/${server.pid}/stat`, "utf8").includes(") T "), "the process to be stopped");
    const count = manager.received().length;
    await expect(
      fetch(`http://127.0.0.1:${server.port}/health`, { signal: AbortSignal.timeout(200) }),
    ).rejects.toThrow();
    expect(manager.received().length).toBe(count);
    server.child.kill("SIGCONT");
    await until(() => manager.received().length > count, "signs of life again");
  });

  test("that is busy is told later, and one that never reads does not hold up the end", async () => {
    await using folder = await tempFolder();
    const path = folder.at("notify");
    using manager = datagramSocket(path);
    const calls = new SocketCalls();
    const fill = (): void => {
      while (calls.send(path, "of others"));
    };
    fill();
    await using server = await startServer(["cat"], { env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: "20000" } });
    await server.http("/health");
    await until(() => manager.received().includes("WATCHDOG=1\n"), "a sign of life");
    expect(manager.received().find((text) => text !== "of others")).toMatch(/^READY=1\n/);
    fill();
    const log = await wholeLog(server);
    expect(server.child.exitCode).toBe(0);
    expect(log.match(/warn .*\n/g)).toEqual([
      expect.stringContaining("the service manager cannot be told how the server is: it does not read"),
    ]);
  });

  test("that is not there is warned of once, and the server goes on", async () => {
    await using folder = await tempFolder();
    const env = { NOTIFY_SOCKET: folder.at("nobody"), WATCHDOG_USEC: "2000" };
    await using server = await startServer(["cat"], { env });
    await using client = await join(server, "a");
    client.send("hello");
    expect(await client.messages(1)).toEqual(["hello"]);
    const log = await wholeLog(server);
    expect(log.match(/warn .*\n/g)).toEqual([
      expect.stringContaining("the service manager cannot be told how the server is: connect: ENOENT"),
    ]);
  });
});

interface Passed {
  readonly descriptor: number;
  readonly address: unknown;
  /** Gives up this process's part of it, once the server has its own. */
  release(): void;
}

/** A socket that listens, as systemd makes them. */
async function passed(where: ListenOptions): Promise<Passed> {
  const listener = createServer((socket) => socket.destroy());
  await once(listener.listen(where), "listening");
  const { _handle: handle } = listener as unknown as { _handle: { fd: number } };
  return { descriptor: handle.fd, address: listener.address(), release: () => void listener.close() };
}

/** Node takes the file away when this process gives up its part, so there is another name of it. */
async function passedUnix(path: string): Promise<Passed> {
  const made = await passed({ path });
  await link(path, `${path}.kept`);
  await unlink(path);
  await link(`${path}.kept`, path);
  return {
    ...made,
    release() {
      made.release();
      void link(`${path}.kept`, path).catch(() => undefined);
    },
  };
}

async function startWith(
  sockets: readonly Passed[],
  words: readonly string[],
  { env = {}, ...options }: RunOptions,
): Promise<TestServer> {
  const server = await startServer(words, {
    ...options,
    passesSockets: true,
    env: { LISTEN_FDS: String(sockets.length), ...env },
    extraDescriptors: sockets.map(({ descriptor }) => descriptor),
  });
  for (const socket of sockets) socket.release();
  return server;
}

/** Connects so many times at once, and waits until the system has taken all of them. */
async function connectMany(count: number, place: { address: string; port: number } | { path: string }): Promise<void> {
  const where = "path" in place ? place : { host: place.address, port: place.port };
  const sockets = Array.from({ length: count }, () => connect(where));
  let connected = 0;
  for (const socket of sockets) {
    socket.on("error", () => undefined);
    socket.on("connect", () => {
      connected += 1;
    });
  }
  try {
    await until(
      () => connected === count,
      () => `${count} to wait, there are ${connected}`,
    );
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

function listeningOn(server: TestServer): string[] {
  return [...server.log().matchAll(/listening on (.*)\n/g)].map(([, what]) => what ?? "");
}

/** The sockets among a process's descriptors, by inode. */
function inodesOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${name}`))?.[1] ?? [];
    } catch {
      return [];
    }
  });
}

/** Those that were passed: the descriptors from 3 on. */
function listeningInodes(pid: number): string[] {
  return [3, 4].flatMap((descriptor) => /\d+/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`))?.[0] ?? []);
}
