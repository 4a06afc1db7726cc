import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { join, type TestClient } from "../helpers/client.ts";
import { metric } from "../helpers/metrics.ts";
import { leave, turns } from "../helpers/noticed.ts";
import { freePorts } from "../helpers/ports.ts";
import { allGone, isAlive } from "../helpers/processes.ts";
import { programPath, sh } from "../helpers/programs.ts";
import { runToEnd, startServer, type TestServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";

const kibibyte = 1024;
const notices = ["--joinmsg", "+#ID", "--leavemsg", "-#ID"];

describe.concurrent("--linger", () => {
  test("who comes back in time finds the process as it was, and misses what it wrote meanwhile", async () => {
    await using folder = await tempFolder();
    const script = 'echo $$; while read -r line; do echo "$line"; touch "$1/$line"; done';
    await using server = await startServer([
      "-v",
      "--metrics",
      "--linger",
      "60",
      ...notices,
      ...sh(script, folder.path),
    ]);
    await using first = await join(server, "a");
    const [pid] = await first.messages(2);
    await leave(server, first);
    await until(() => existsSync(folder.at("-1")), "the process to write while nobody is there");
    await turns(server);
    await using second = await join(server, "a");
    second.send("hello");
    expect(await second.messages(2)).toEqual(["+2", "hello"]);
    expect(isAlive(Number(pid))).toBe(true);
    expect(server.log().split("process started")).toHaveLength(2);
  });

  test("the process ends so many seconds after its last client left", async () => {
    await using server = await startServer(["--linger", "0.3", ...sh("echo $$; cat")]);
    const client = await join(server, "a");
    const [pid] = await client.messages(1);
    const leftAt = performance.now();
    await client[Symbol.asyncDispose]();
    await allGone([Number(pid)]);
    expect(performance.now() - leftAt).toBeGreaterThan(250);
    await using next = await join(server, "a");
    expect(await next.messages(1)).not.toEqual([pid]);
  });

  test("each last client that leaves gives the process that much time, and who comes back in between ends it", async () => {
    await using server = await startServer(["-v", "--linger", "1.5", ...sh("echo $$; cat")]);
    await using first = await join(server, "a");
    const [pid] = await first.messages(1);
    await leave(server, first);
    await using second = await join(server, "a");
    await using other = await join(server, "b");
    const [pidOfOther] = await other.messages(1);
    await leave(server, other);
    await allGone([Number(pidOfOther)]);
    second.send("still here");
    expect(await second.messages(1)).toEqual(["still here"]);
    await leave(server, second);
    expect(isAlive(Number(pid))).toBe(true);
    await allGone([Number(pid)]);
  });

  test("a process that lingers is ended when the server stops", async () => {
    await using server = await startServer(["-v", "--linger", "3600", ...sh("echo $$; cat")]);
    await using client = await join(server, "a");
    const [pid] = await client.messages(1);
    await leave(server, client);
    expect(isAlive(Number(pid))).toBe(true);
    expect(await server.stop()).toBe(0);
    expect(isAlive(Number(pid))).toBe(false);
  });

  test("does not go together with --oneshot", async () => {
    const { code, stderr } = await runToEnd(["--oneshot", "--linger", "2", "cat"]);
    expect(code).toBe(2);
    expect(stderr).toContain("--oneshot lets nobody come back, so it does not go together with --linger=2");
  });
});

describe.concurrent("--restart", () => {
  /** Says its number and echoes; ends with code 3 at the line "die", with code 0 at "end". */
  const mortal = `
    n=$(cat "$1" 2>/dev/null); n=$((n + 1)); echo $n > "$1"; echo "process $n"
    while read -r line; do
      case $line in die) exit 3;; end) exit 0;; kill) kill -9 $$;; *) echo "$line";; esac
    done`;

  test.each([[[]], [["--restart", "never"]]])(
    "with %j the clients are closed when the process fails",
    async (words) => {
      await using folder = await tempFolder();
      await using server = await startServer([...words, ...sh(mortal, folder.at("n"))]);
      await using client = await join(server, "a");
      client.send("die");
      expect(await client.closed).toEqual({ code: 1011, reason: "process exited with code 3" });
    },
  );

  test.each(["die", "kill"])("on-failure: the clients stay after %s, and get a new process", async (how) => {
    await using folder = await tempFolder();
    await using server = await startServer(["--restart", "on-failure", ...sh(mortal, folder.at("n"))]);
    await using first = await join(server, "a");
    await using second = await join(server, "a");
    first.send(how);
    await first.messages(2);
    second.send("hello");
    for (const client of [first, second]) {
      await until(() => client.received.includes("hello"), "an answer of the new process");
      expect(client.received.slice(-2)).toEqual(["process 2", "hello"]);
    }
    await until(() => server.log().includes("starting a new process in 0.1 s"), "the log");
  });

  test("on-failure: exit code 0 closes the clients as ever", async () => {
    await using folder = await tempFolder();
    await using server = await startServer(["--restart", "on-failure", ...sh(mortal, folder.at("n"))]);
    await using client = await join(server, "a");
    client.send("end");
    expect(await client.closed).toEqual({ code: 1000, reason: "" });
  });

  test("always: the clients stay after exit code 0 too", async () => {
    await using folder = await tempFolder();
    await using server = await startServer(["--restart", "always", ...sh(mortal, folder.at("n"))]);
    await using client = await join(server, "a");
    for (const end of ["end", "die", "end"]) client.send(end);
    client.send("hello");
    expect(await client.messages(5)).toEqual(["process 1", "process 2", "process 3", "process 4", "hello"]);
  });

  test("processes that fail are started ever more slowly: after 0.1 s at first, and 10 s in the end", async () => {
    await using folder = await tempFolder();
    const script = 'date +%s%N >> "$1"; exit 1';
    await using server = await startServer(["--restart", "on-failure", ...sh(script, folder.at("times"))]);
    await using client = await join(server, "a");
    await until(() => waitsIn(server).includes(6.4), "seven starts");
    await until(() => waitsIn(server).length === 8, "the eighth start");
    expect(waitsIn(server)).toEqual([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10]);
    const times = (await readFile(folder.at("times"), "utf8")).split("\n").slice(0, -1).map(Number);
    for (const [index, waitS] of waitsIn(server).slice(0, -1).entries()) {
      expect(((times[index + 1] ?? 0) - (times[index] ?? 0)) / 1e9).toBeGreaterThan(waitS * 0.95);
    }
    expect(client.received).toEqual([]);
  });

  test("a process that fails after more than 10 s of life is followed soon again", async () => {
    await using folder = await tempFolder();
    const script = '[ -e "$1/2" ] && sleep 10.1; [ -e "$1/1" ] && touch "$1/2"; touch "$1/1"; exit 1';
    await using server = await startServer(["--restart", "on-failure", ...sh(script, folder.path)]);
    await using client = await join(server, "a");
    await until(() => waitsIn(server).length === 2, "two processes to end");
    await until(() => waitsIn(server).length === 3, "the third process to end");
    expect(waitsIn(server)).toEqual([0.1, 0.2, 0.1]);
    expect(client.received).toEqual([]);
  });

  test("a command that cannot be started yet is tried again, and nothing that was said is lost", async () => {
    await using folder = await tempFolder();
    await using server = await startServer(["--restart", "on-failure", folder.at("late.sh")]);
    await using client = await join(server, "a");
    client.send("hello");
    await until(() => server.log().includes("starting a new process in 0.2 s"), "two failed starts");
    await writeFile(folder.at("late.sh"), "#!/bin/sh\nexec cat\n", { mode: 0o755 });
    expect(await client.messages(1)).toEqual(["hello"]);
  });

  test("output that cannot be read on from gives the clients a new process", async () => {
    await using folder = await tempFolder();
    const script = '[ -e "$1" ] && exec cat; touch "$1"; printf %0999d 1; exec cat';
    await using server = await startServer([
      "--restart",
      "on-failure",
      "--maxline",
      "99",
      ...sh(script, folder.at("n")),
    ]);
    await using client = await join(server, "a");
    await until(() => server.log().includes("starting a new process"), "the end of the first process");
    client.send("hello");
    expect(await client.messages(1)).toEqual(["hello"]);
  });

  test("the new process hears of all clients in the order of joining, and then what they have said", async () => {
    await using folder = await tempFolder();
    const script = `echo $$; [ -e "$1" ] && exec cat; touch "$1"; for i in 1 2 3; do read -r _; done; exec sleep 60`;
    await using server = await startServer([
      "-v",
      "--restart",
      "on-failure",
      ...notices,
      ...sh(script, folder.at("n")),
    ]);
    const clients = [await join(server, "a"), await join(server, "a"), await join(server, "a")];
    await using first = clients[0] as TestClient;
    await using second = clients[1] as TestClient;
    const third = clients[2] as TestClient;
    const [pid] = await first.messages(1);
    second.send("two");
    first.send("one");
    await leave(server, third);
    process.kill(Number(pid), "SIGKILL");
    await until(() => server.log().includes("starting a new process"), "the end of the first process");
    await using fourth = await join(server, "a");
    fourth.send("four");
    await first.messages(7);
    const received = first.received.slice(2);
    expect(received.slice(0, 2)).toEqual(["+1", "+2"]);
    expect(new Set(received)).toEqual(new Set(["+1", "+2", "+4", "four", "one", "two"]));
    expect(received.length).toBe(6);
    expect(received.indexOf("+4")).toBeLessThan(received.indexOf("four"));
  });

  test("what a process has read is not said again, and all else to the next one, however often they crash", async () => {
    await using folder = await tempFolder();
    const ending = `
      n=$(cat "$1" 2>/dev/null); n=$((n + 1)); echo $n > "$1"
      [ $n = 4 ] && exec cat
      [ $n = 2 ] && { read -r line; echo "second: $line"; }
      exit 1`;
    await using server = await startServer(["--restart", "on-failure", ...sh(ending, folder.at("n"))]);
    await using client = await join(server, "a");
    const large = "x".repeat(300 * kibibyte);
    const messages = ["one", large, ...Array.from({ length: 500 }, (_, index) => `message ${index}`)];
    for (const message of messages) client.send(message);
    await client.messages(messages.length);
    expect(client.received[0]).toBe("second: one");
    expect(client.received.slice(1)).toEqual(messages.slice(1));
  });

  test("more than 1 MiB for a process that is to come makes its clients wait, and all of it arrives in order", async () => {
    await using folder = await tempFolder();
    await using server = await startServer(["--restart", "on-failure", "--metrics", folder.at("late.sh")]);
    await using client = await join(server, "a");
    const lines = Array.from({ length: 320 }, (_, index) => String(index).padEnd(32 * kibibyte, "x"));
    for (const line of lines) client.send(line);
    await until(async () => (await metric(server, "scalesocket_input_pauses_total")) === 1, "a pause");
    const waiting = await metric(server, "scalesocket_received_bytes_total");
    expect(waiting).toBeGreaterThanOrEqual(1024 * kibibyte);
    // What was read in one go with the message that was one too many is not thrown away.
    expect(waiting).toBeLessThan(1280 * kibibyte);
    await writeFile(folder.at("late.sh"), "#!/bin/sh\nexec cat\n", { mode: 0o755 });
    const received = await client.messages(lines.length);
    expect(received.map((line) => String(line).length)).toEqual(lines.map(({ length }) => length));
    expect(received.findIndex((line, index) => line !== lines[index])).toBe(-1);
  });

  test("a process that closes its input and lives on is heard, and the next one gets what was said", async () => {
    await using folder = await tempFolder();
    const script =
      '[ -e "$1" ] && exec cat; touch "$1"; exec <&-; echo deaf; while [ ! -e "$2" ]; do sleep 0.02; done; exit 1';
    await using server = await startServer(["--restart", "on-failure", ...sh(script, folder.at("n"), folder.at("go"))]);
    await using client = await join(server, "a");
    await client.messages(1);
    for (let count = 0; count < 10; count += 1) client.send(`message ${count}`);
    await writeFile(folder.at("go"), "");
    expect((await client.messages(11)).slice(1)).toEqual(Array.from({ length: 10 }, (_, index) => `message ${index}`));
  });

  test("works over TCP", async () => {
    const { range } = await freePorts(2);
    const program = `
      const server = require("net").createServer((socket) => {
        socket.write(process.env.PORT + "\\n");
        socket.on("data", (data) => (String(data).includes("die") ? process.exit(1) : socket.write(data)));
      });
      server.listen(process.env.PORT, "127.0.0.1");`;
    const words = ["--restart", "on-failure", "--tcp", "--tcpports", range, "node", "--", "-e", program];
    await using server = await startServer(words);
    await using client = await join(server, "a");
    await client.messages(1);
    client.send("die");
    await until(() => server.log().includes("starting a new process"), "the end of the first process");
    client.send("hello");
    expect((await client.messages(3)).at(-1)).toBe("hello");
  });

  test("what was said to a process that ends before it listens goes to the next one", async () => {
    await using folder = await tempFolder();
    const { range } = await freePorts(2);
    const script = '[ -e "$1" ] && exec node "$2"; touch "$1"; exit 1';
    const words = ["--tcp", "--tcpports", range, ...sh(script, folder.at("n"), programPath("tcp-echo.mjs"))];
    await using server = await startServer(["--restart", "on-failure", ...words]);
    await using client = await join(server, "a");
    client.send("hello");
    expect((await client.messages(2)).slice(1)).toEqual(["hello"]);
  });

  test("a process that is ended because all clients left is not started again", async () => {
    await using server = await startServer(["-v", "--restart", "always", ...sh("echo $$; exec sleep 60")]);
    await using client = await join(server, "a");
    const [pid] = await client.messages(1);
    await leave(server, client);
    await allGone([Number(pid)]);
    await using next = await join(server, "b");
    await next.messages(1);
    await until(() => server.log().split("process started").length === 3, "the log of the second start");
    expect(server.log()).not.toContain("starting a new process");
  });

  test("a server that stops while a new process is waited for closes the clients and leaves nothing", async () => {
    await using server = await startServer(["--restart", "on-failure", ...sh("exit 1")]);
    await using client = await join(server, "a");
    await until(() => server.log().includes("starting a new process in 0.8 s"), "several restarts");
    const exitCode = server.stop();
    expect(await client.closed).toEqual({ code: 1012, reason: "server is shutting down" });
    expect(await exitCode).toBe(0);
  });

  test("with --oneshot the one client stays, and the server ends when it leaves", async () => {
    await using folder = await tempFolder();
    await using server = await startServer(["--oneshot", "--restart", "on-failure", ...sh(mortal, folder.at("n"))]);
    await using client = await join(server, "a");
    client.send("die");
    expect(await client.messages(2)).toEqual(["process 1", "process 2"]);
    client.socket.close();
    expect(await server.exited()).toBe(0);
  });
});

/** How long the log says that each new process is waited for, in seconds. */
function waitsIn(server: TestServer): number[] {
  return Array.from(server.log().matchAll(/starting a new process in ([\d.]+) s/g), ([, seconds]) => Number(seconds));
}
