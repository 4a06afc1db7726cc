import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import type { Server } from "node:net";
import { describe, expect, test } from "vitest";
import { join, refusal } from "../helpers/client.ts";
import { gwsocketMessage } from "../helpers/framing.ts";
import { processEnded } from "../helpers/noticed.ts";
import { type FreePorts, freePorts, listen } from "../helpers/ports.ts";
import { allGone, isAlive } from "../helpers/processes.ts";
import { node, programPath, sh } from "../helpers/programs.ts";
import { startServer, type TestServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";

describe.concurrent("--tcp", () => {
  // The slowest first, since they run side by side.
  test("a process that never listens is ended after 10 s, with the reason", async () => {
    const ports = await freePorts(1);
    await using server = await startTcp(ports, sh("sleep 100"));
    const startedAt = performance.now();
    await using client = await join(server, "a");
    client.send("hello");
    const reason = `process does not listen on port ${ports.start} after 10 s`;
    expect(await client.closed).toEqual({ code: 1011, reason });
    expect(performance.now() - startedAt).toBeGreaterThan(9990);
    await using next = await join(server, "a");
    expect(next.socket.readyState).toBe(next.socket.OPEN);
  });

  test("the server connects once for a room, to the port in PORT", async () => {
    const ports = await freePorts(1);
    await using server = await startTcp(ports, node("tcp-echo.mjs"));
    await using first = await join(server, "a");
    expect(await first.messages(1)).toEqual([`connection 1 on ${ports.start}`]);
    await using second = await join(server, "a");
    second.send("from the second");
    first.send("from the first");
    const [, ...lines] = await first.messages(3);
    expect(lines.map(String).toSorted()).toEqual(["from the first", "from the second"]);
    expect((await second.messages(2)).map(String).toSorted()).toEqual(["from the first", "from the second"]);
  });

  test("what a process said before its end arrives, though clients still talk to it", async () => {
    const ports = await freePorts(1);
    // As much as waits in the system when the process exits, while a client does not read.
    const script = `
      const server = require("node:net").createServer((socket) => {
        server.close();
        socket.once("data", () => socket.write("x".repeat(99).concat("\\n").repeat(60000), () => process.exit()));
      });
      server.listen(process.env.PORT, "127.0.0.1");`;
    await using server = await startTcp(ports, [
      "-vv",
      "--clientbuffer",
      "64K",
      "--slowtimeout",
      "60",
      process.execPath,
      "--",
      "-e",
      script,
    ]);
    await using slow = await join(server, "a");
    await using talker = await join(server, "a");
    slow.socket.pause();
    talker.send("go");
    await until(() => server.log().includes("client is behind"), "the client to fall behind");
    const pid = Number(/process started .*pid=(\d+)/.exec(server.log())?.[1]);
    // The server knows of the end when it has reaped the process; before that it would still write to it.
    await until(() => !existsSync(`/proc/${pid}`), "the process to exit, and the server to know of it");
    for (let count = 0; count < 10; count += 1) talker.send("still there?");
    await until(() => server.log().split("bytes from client").length > 10, "the server to read that");
    slow.socket.resume();
    for (const client of [slow, talker]) {
      expect(await client.closed).toEqual({ code: 1000, reason: "" });
      expect(client.received.length).toBe(60_000);
    }
  });

  test("ports up to and including END are given, each to one room at a time", async () => {
    const ports = await freePorts(3);
    await using server = await startTcp(ports, node("tcp-echo.mjs"));
    await using first = await join(server, "a");
    await using second = await join(server, "b");
    await using third = await join(server, "c");
    const greetings = await Promise.all([first, second, third].map(async (client) => (await client.messages(1))[0]));
    const expected = [0, 1, 2].map((offset) => `connection 1 on ${ports.start + offset}`);
    expect(greetings.map(String).toSorted()).toEqual(expected);
  });

  test("many rooms that are opened at once get a port each", async () => {
    const ports = await freePorts(8);
    await using server = await startTcp(ports, node("tcp-echo.mjs"));
    const rooms = Array.from({ length: 8 }, (_each, index) => `room-${index}`);
    const clients = await Promise.all(rooms.map(async (room) => join(server, room)));
    const greetings = await Promise.all(clients.map(async (client) => (await client.messages(1))[0]));
    expect(new Set(greetings).size).toBe(8);
    expect((await refusal(server, "another")).status).toBe(503);
    await Promise.all(clients.map(async (client) => client[Symbol.asyncDispose]()));
  });

  test("a listener may be slow, and what was said meanwhile arrives whole and in order", async () => {
    await using server = await startTcp(await freePorts(1), node("tcp-echo.mjs", "300"));
    await using client = await join(server, "a");
    const sent = Array.from({ length: 3000 }, (_each, index) => `${index} ${"x".repeat(1000)}`);
    for (const message of sent) client.send(message);
    expect((await client.messages(3001)).slice(1)).toEqual(sent);
  });

  test("a process that exits before it listens closes the room with its exit code", async () => {
    await using server = await startTcp(await freePorts(1), sh('exit "${QUERY_STRING}"'));
    await using failed = await join(server, "a?4");
    expect(await failed.closed).toEqual({ code: 1011, reason: "process exited with code 4" });
    await using done = await join(server, "a?0");
    expect(await done.closed).toEqual({ code: 1000, reason: "" });
  });

  test("a command that cannot be started closes the client with the reason and gives its port back", async () => {
    await using folder = await tempFolder();
    const ports = await freePorts(1);
    await using server = await startTcp(ports, [folder.at("program")]);
    for (let time = 0; time < 2; time += 1) {
      await using client = await join(server, "a");
      expect(await client.closed).toMatchObject({ code: 1011, reason: expect.stringMatching(/no such file/) });
    }
    await writeFile(folder.at("program"), `#!/bin/sh\nexec node ${programPath("tcp-echo.mjs")}\n`, { mode: 0o755 });
    await using client = await join(server, "a");
    expect(await client.messages(1)).toEqual([`connection 1 on ${ports.start}`]);
  });

  test("a port that somebody else listens on is skipped, and nobody connects to it", async () => {
    const ports = await freePorts(2);
    await using stranger = await listening(ports.start);
    await using server = await startTcp(ports, node("tcp-echo.mjs"));
    await using client = await join(server, "a");
    expect(await client.messages(1)).toEqual([`connection 1 on ${ports.end}`]);
    expect(stranger.connections).toBe(0);
  });

  test("where no port is left a client is refused with 503 and Retry-After, and the server goes on", async () => {
    const ports = await freePorts(1);
    await using server = await startTcp(ports, node("tcp-echo.mjs"));
    await using client = await join(server, "a");
    await client.messages(1);
    const { status, body, headers } = await refusal(server, "b");
    expect({ status, body }).toEqual({ status: 503, body: "no port left for another room\n" });
    expect(Number(headers["retry-after"])).toBeGreaterThan(0);
    client.send("still here");
    expect((await client.messages(2))[1]).toBe("still here");
    await using another = await join(server, "a");
    another.send("me too");
    expect(await another.messages(1)).toEqual(["me too"]);
  });

  test("a port comes back when its room is gone", async () => {
    const ports = await freePorts(1);
    await using server = await startTcp(ports, node("tcp-echo.mjs"));
    for (const room of ["a", "b", "c"]) {
      await using client = await join(server, room);
      expect(await client.messages(1)).toEqual([`connection 1 on ${ports.start}`]);
      client.socket.close();
      await until(() => server.log().includes(`process exited with code 0 room=${room}`), "the process to end");
    }
  });

  test("whoever joins while the old process is ending waits for it and for its port", async () => {
    const ports = await freePorts(1);
    const script = `trap '' TERM; echo $$; node "$1"; sleep 1`;
    await using server = await startTcp(ports, sh(script, programPath("tcp-echo.mjs")));
    await using first = await join(server, "a");
    await first.messages(1);
    first.socket.close();
    await until(() => server.log().includes("client left"), "the client to leave");
    const oldPid = Number(/^(\d+)$/m.exec(server.log())?.[1]);
    await using second = await join(server, "a");
    second.send("hello");
    expect(isAlive(oldPid)).toBe(true);
    expect(await second.messages(2)).toEqual([`connection 1 on ${ports.start}`, "hello"]);
    expect(isAlive(oldPid)).toBe(false);
  });

  test("a process that closes the connection ends the room, after all that it has written", async () => {
    await using server = await startTcp(await freePorts(1), node("tcp-quitter.mjs"));
    await using client = await join(server, "a");
    const [pid] = await client.messages(1);
    client.send("go");
    expect(await client.closed).toEqual({ code: 1011, reason: "process ended by SIGTERM" });
    expect(client.received).toHaveLength(10_001);
    expect(client.received.at(-1)).toBe("10000");
    await allGone([Number(pid)]);
    await using next = await join(server, "a");
    expect(await next.messages(1)).not.toEqual([pid]);
  });

  test("the connection is closed when the last client leaves, which is enough for a process that waits for that", async () => {
    await using server = await startTcp(await freePorts(1), node("tcp-echo.mjs"));
    await using client = await join(server, "a");
    await client.messages(1);
    client.socket.close();
    await processEnded(server, "process exited with code 0");
  });

  test("stdout and stderr of the process are the server's stderr, and its stdin is empty", async () => {
    await using server = await startTcp(await freePorts(1), sh('cat; echo "to $0"; echo "for people" >&2'));
    await using client = await join(server, "a");
    expect(await client.closed).toMatchObject({ code: 1000 });
    expect(client.received).toEqual([]);
    await until(() => /^to sh$/m.test(server.log()) && /^for people$/m.test(server.log()), "both lines on stderr");
  });

  test("with --frame=json, answers are private over TCP too", async () => {
    await using server = await startTcp(await freePorts(1), ["--frame=json", ...node("tcp-plain.mjs")]);
    await using first = await join(server, "a");
    await using second = await join(server, "a");
    first.send('{"a":1}');
    expect(await first.messages(1)).toEqual(['{"id":1,"a":1}']);
    second.send('{"b":2}');
    expect(await second.messages(1)).toEqual(['{"id":2,"b":2}']);
    expect(first.received).toHaveLength(1);
  });

  test("with --frame=binary, every byte passes over TCP too", async () => {
    const words = ["--frame=binary", "--joinmsg", "join #ID"];
    await using server = await startTcp(await freePorts(1), [...words, ...node("tcp-plain.mjs")]);
    await using client = await join(server, "a");
    const bytes = Buffer.from(Array.from({ length: 256 }, (_each, byte) => byte));
    client.send(bytes);
    client.send("text");
    expect(await client.messages(3)).toEqual(["join 1", bytes, "text"]);
  });

  test("with --binary, what both write is passed on as it is over TCP too", async () => {
    await using server = await startTcp(await freePorts(1), ["--binary", ...node("tcp-plain.mjs")]);
    await using client = await join(server, "a");
    const bytes = gwsocketMessage(1, 2, Buffer.from([0, 10, 13, 255]));
    client.send(bytes);
    const total = (): Buffer => Buffer.concat(client.received.map((part) => Buffer.from(part)));
    await until(() => total().length >= bytes.length, "the bytes to come back");
    expect(total()).toEqual(bytes);
  });

  test("--cmd-attach-delay puts off the connection, and nothing is lost", async () => {
    const ports = await freePorts(1);
    const words = ["--cmd-attach-delay", "1", "--joinmsg", "join #ID"];
    await using server = await startTcp(ports, [...words, "sleep", "--", "100"]);
    const startedAt = performance.now();
    let connectedAfterMs = 0;
    await using client = await join(server, "a");
    // The process's part is played here, where it is seen when the connection comes.
    const listener = await listen(ports.start);
    listener.on("connection", (socket) => {
      connectedAfterMs = performance.now() - startedAt;
      socket.pipe(socket);
      listener.close();
    });
    for (let index = 0; index < 2000; index += 1) client.send(`${index} ${"x".repeat(1000)}`);
    const received = await client.messages(2001);
    // Timers of Node keep whole milliseconds.
    expect(connectedAfterMs).toBeGreaterThan(998);
    expect(received[0]).toBe("join 1");
    expect(received.findIndex((line, index) => index > 0 && !String(line).startsWith(`${index - 1} `))).toBe(-1);
  });
});

async function startTcp(ports: FreePorts, words: readonly string[]): Promise<TestServer> {
  return startServer(["-v", "--tcp", "--tcpports", ports.range, ...words]);
}

/** Somebody else on a port, who counts who connects. */
async function listening(port: number): Promise<AsyncDisposable & { readonly connections: number }> {
  const server: Server = await listen(port);
  let connections = 0;
  server.on("connection", (socket) => {
    connections += 1;
    socket.destroy();
  });
  return {
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      server.close();
      await until(() => !server.listening, "the stranger to be gone");
    },
  };
}
