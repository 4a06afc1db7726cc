import { once } from "node:events";
import { existsSync, lstatSync, readdirSync } from "node:fs";
import { chmod, mkdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { connect, createServer, type Server } from "node:net";
import { describe, expect, test } from "vitest";
import { createServer as createScaleSocket } from "../../src/index.ts";
import { join } from "../helpers/client.ts";
import { operatorsOf } from "../helpers/operators.ts";
import { freePorts, listen } from "../helpers/ports.ts";
import { workersOf } from "../helpers/processes.ts";
import { sh } from "../helpers/programs.ts";
import { runToEnd, startServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";
import { wholeLog } from "../helpers/whole-log.ts";

describe.concurrent("several addresses", () => {
  test("are all listened on, each with a line in the log, and share their rooms", async () => {
    await using server = await startServer(["cat"], { addresses: ["127.0.0.1:0", "[::1]:0,127.0.0.2:0"] });
    const names = [...server.log().matchAll(/listening on (\S+)\n/g)].map(([, name]) => name ?? "");
    const hosts = names.map((name) => name.replace(/:\d+$/, ""));
    expect(hosts).toEqual(["127.0.0.1", "[::1]", "127.0.0.2"]);
    expect(server.log().match(/connect a websocket to/g)).toHaveLength(1);
    await using first = await join({ ...server, origin: `ws://${names[0]}` }, "a");
    for (const name of names.slice(1)) {
      await using other = await join({ ...server, origin: `ws://${name}` }, "a");
      other.send(name);
      await until(() => first.received.includes(name), "the other's message");
    }
  });

  test("are none where one of them cannot be had, and the error names that one", async () => {
    const { start: port } = await freePorts(2);
    const other = await listen(port + 1);
    const words = ["--addr", `127.0.0.1:${port}`, "--addr", `127.0.0.1:${port + 1}`];
    const { code, stderr } = await runToEnd(["cat", ...words]);
    other.close();
    expect(stderr.slice(13)).toBe(`error cannot listen on 127.0.0.1:${port + 1}: the address is in use\n`);
    expect(code).toBe(1);
  });

  test("are given back by the library when one of them cannot be had", async () => {
    const { start: port } = await freePorts(2);
    const other = await listen(port + 1);
    const addresses = [port, port + 1].map((each) => ({ host: "127.0.0.1", port: each }));
    await expect(createScaleSocket({ command: "cat", addresses }).start()).rejects.toMatchObject({
      code: "ERR_LISTEN",
    });
    await close(await listen(port));
    await close(other);
  });

  test("are what the library's start resolves to", async () => {
    await using folder = await tempFolder();
    const path = folder.at("s");
    const server = createScaleSocket({
      command: "cat",
      addresses: [{ host: "::1", port: 0 }],
      unixSocket: path,
      adminAddress: { host: "127.0.0.1", port: 0 },
    });
    const found = await server.start();
    await server.stop();
    const [six, unix, admin] = found;
    expect(found).toHaveLength(3);
    expect(six).toEqual({ purpose: "rooms", scheme: "http", name: `[::1]:${six?.port}`, host: "::1", port: six?.port });
    expect(six?.port).toBeGreaterThan(0);
    expect(unix).toEqual({ purpose: "rooms", scheme: "http", name: `unix:${path}`, path });
    expect(admin).toMatchObject({ purpose: "admin", host: "127.0.0.1" });
  });
});

describe.concurrent("a unix socket", () => {
  test.each([0, 2])("takes clients with %i workers, who have no address", async (workers) => {
    await using folder = await tempFolder();
    const path = folder.at("s");
    const script = 'echo "[$REMOTE_ADDR][$REMOTE_HOST][$REMOTE_PORT][$SERVER_PORT]"; cat';
    const words = ["--unixsocket", path, "--workers", String(workers), "--joinmsg", "#ID[#REMOTE_ADDR]", ...sh(script)];
    await using server = await startServer(words, { addresses: [] });
    expect(server.log()).toContain(`listening on unix:${path}\n`);
    expect(server.log()).not.toContain("0.0.0.0");
    expect(workersOf(server.pid)).toHaveLength(workers);
    const door = { ...server, origin: `ws+unix:${path}:` };
    await using first = await join(door, "a", { headers: { Host: "example.org:8443" } });
    expect(await first.messages(2)).toEqual(["[][][][8443]", "1[]"]);
    await using second = await join(door, "a");
    second.send("from the second");
    expect((await first.messages(4)).slice(2)).toEqual(["2[]", "from the second"]);
    await using other = await join(door, "b", { headers: { Host: "example.org" } });
    expect((await other.messages(1))[0]).toBe("[][][][80]");
  });

  test("is beside other addresses where these are given, and answers HTTP", async () => {
    await using folder = await tempFolder();
    await using server = await startServer(["--unixsocket", folder.at("s"), "cat"]);
    expect(server.port).toBeGreaterThan(0);
    expect((await server.http("/health")).status).toBe(200);
    expect(await statusAt(folder.at("s"), "/health")).toBe(200);
  });

  test("may be connected to by whom --unixmode says, and leaves nothing else beside it", async () => {
    await using folder = await tempFolder();
    await using usual = await startServer(["--unixsocket", folder.at("usual"), "cat"], { addresses: [] });
    await using open = await startServer(["--unixsocket", folder.at("open"), "--unixmode", "0666", "cat"]);
    expect(lstatSync(folder.at("usual")).mode & 0o777).toBe(0o660);
    expect(lstatSync(folder.at("open")).mode & 0o777).toBe(0o666);
    expect(readdirSync(folder.path).toSorted()).toEqual(["open", "usual"]);
    await Promise.all([usual.stop(), open.stop()]);
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test("that a server has left behind is replaced", async () => {
    await using folder = await tempFolder();
    const words = ["--unixsocket", folder.at("s"), "cat"];
    await using killed = await startServer(words, { addresses: [] });
    await killed.stop("SIGKILL");
    expect(existsSync(folder.at("s"))).toBe(true);
    await using next = await startServer(words, { addresses: [] });
    expect(await statusAt(folder.at("s"), "/health")).toBe(200);
    expect(await next.stop()).toBe(0);
    expect(readdirSync(folder.path)).toEqual([]);
  });

  test("that answers is not replaced", async () => {
    await using folder = await tempFolder();
    const words = ["--unixsocket", folder.at("s"), "cat"];
    await using server = await startServer(words, { addresses: [] });
    const reason = `cannot listen on unix:${folder.at("s")}: another server listens on it`;
    expect(await runToEnd(words)).toMatchObject({ code: 1, stderr: expect.stringContaining(` error ${reason}\n`) });
    expect(await statusAt(folder.at("s"), "/health")).toBe(200);
    expect(readdirSync(folder.path)).toEqual(["s"]);
    expect(server.log()).not.toContain("error");
  });

  test("takes the place of nothing that is no socket", async () => {
    await using folder = await tempFolder();
    await writeFile(folder.at("file"), "kept");
    await mkdir(folder.at("folder"));
    await symlink(folder.at("file"), folder.at("link"));
    for (const name of ["file", "folder", "link"]) {
      const { code, stderr } = await runToEnd(["--unixsocket", folder.at(name), "cat"]);
      expect(code).toBe(1);
      expect(stderr).toContain(` error cannot listen on unix:${folder.at(name)}: what is there is no socket\n`);
    }
    expect(await readFile(folder.at("file"), "utf8")).toBe("kept");
    expect(readdirSync(folder.path).toSorted()).toEqual(["file", "folder", "link"]);
  });

  test("stays where another server has taken its place meanwhile", async () => {
    await using folder = await tempFolder();
    await using server = await startServer(["--unixsocket", folder.at("s"), "cat"], { addresses: [] });
    const other = createServer();
    await once(other.listen(folder.at("other")), "listening");
    await rename(folder.at("other"), folder.at("s"));
    expect(await server.stop()).toBe(0);
    const socket = connect(folder.at("s"));
    await once(socket, "connect");
    socket.destroy();
    await close(other);
  });

  test("that cannot be removed is warned of, and the server stops all the same", async () => {
    await using folder = await tempFolder();
    await mkdir(folder.at("deep"));
    await using server = await startServer(["--unixsocket", folder.at("deep/s"), "cat"], { addresses: [] });
    await rename(folder.at("deep"), folder.at("away"));
    await writeFile(folder.at("deep"), "no folder");
    const log = await wholeLog(server);
    expect(await server.exited()).toBe(0);
    expect(log).toContain(`cannot remove unix:${folder.at("deep/s")}: ENOTDIR`);
  });

  test("may have a path of 107 bytes, and no more", async () => {
    await using folder = await tempFolder();
    const long = folder.at("x".repeat(107 - folder.path.length - 1));
    const deep = folder.at("d".repeat(107 - folder.path.length - 3));
    await mkdir(deep);
    for (const path of [long, `${deep}/s`]) {
      expect(path).toHaveLength(107);
      await using server = await startServer(["--unixsocket", path, "cat"], { addresses: [] });
      expect(await statusAt(path, "/health")).toBe(200);
      await server.stop();
      expect(existsSync(path)).toBe(false);
    }
    expect(readdirSync(deep)).toEqual([]);
    const { code, stderr } = await runToEnd(["--unixsocket", `${long}x`, "cat"]);
    expect(code).toBe(2);
    expect(stderr).toContain(`--unixsocket: expected a path of 1 to 107 bytes, got "${long}x"`);
  });

  test("in a folder that is not there, or may not be written to, is an error that names it", async () => {
    await using folder = await tempFolder();
    const missing = folder.at("no/such");
    expect(await runToEnd(["--unixsocket", missing, "cat"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(` error cannot listen on unix:${missing}: there is no such folder\n`),
    });
    if (process.getuid?.() === 0) return;
    await chmod(folder.path, 0o500);
    expect(await runToEnd(["--unixsocket", folder.at("s"), "cat"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(` error cannot listen on unix:${folder.at("s")}: permission denied\n`),
    });
  });
});

describe.concurrent("--adminaddr", () => {
  test("has health, metrics, statistics and the API to itself", async () => {
    await using folder = await tempFolder();
    await writeFile(folder.at("index.html"), "page");
    const words = ["--metrics", "--stats", "--api", "--staticdir", folder.path, "--adminaddr", "127.0.0.1:0", "cat"];
    await using server = await startServer(words);
    const operators = operatorsOf(server);
    expect(operators.port).not.toBe(server.port);
    await using client = await join(server, "a");
    for (const path of ["/health", "/metrics", "/a/stats", "/a/stats/connections", "/api/rooms/", "/api/a/"]) {
      expect([path, (await operators.http(path)).status]).toEqual([path, 200]);
      expect([path, (await server.http(path)).status]).toEqual([path, 404]);
    }
    expect(await (await server.http("/")).text()).toBe("page");
    for (const path of ["/", "/index.html"]) expect((await operators.http(path)).status).toBe(404);
    await expect(join({ ...server, port: operators.port }, "a")).rejects.toThrow("404");
    client.send("still here");
    expect(await client.messages(1)).toEqual(["still here"]);
  });

  test("leaves the names reserved, and what is off is off there too", async () => {
    await using server = await startServer(["--adminaddr", "127.0.0.1:0", "cat"]);
    const operators = operatorsOf(server);
    for (const name of ["health", "metrics", "api"]) await expect(join(server, name)).rejects.toThrow("400");
    const answers = ["/health", "/metrics", "/api/rooms/", "/a/stats"].map(async (path) => operators.http(path));
    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 404, 404, 404]);
  });

  test("answers while the server shuts down", async () => {
    const stubborn = sh('trap "" TERM; echo ready; while :; do sleep 1; done');
    await using server = await startServer(["--adminaddr", "127.0.0.1:0", ...stubborn]);
    const operators = operatorsOf(server);
    await using client = await join(server, "a");
    await client.messages(1);
    server.child.kill("SIGTERM");
    await until(async () => (await operators.http("/health")).status === 503, "health to say so");
    await server.stop();
  });
});

/** The status of an answer that comes over a unix socket. */
async function statusAt(socketPath: string, path: string): Promise<number | undefined> {
  const asking = request({ socketPath, path }).end();
  const [response] = await once(asking, "response");
  response.resume();
  return response.statusCode;
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, "close");
}
