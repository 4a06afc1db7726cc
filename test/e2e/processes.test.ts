import { execFileSync } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { join, type TestClient } from "../helpers/client.ts";
import { dropped } from "../helpers/metrics.ts";
import { processEnded } from "../helpers/noticed.ts";
import { freePorts } from "../helpers/ports.ts";
import {
  allGone,
  childrenOf,
  freeDescriptors,
  isAlive,
  limitDescriptors,
  openFilesOf,
  placeOf,
} from "../helpers/processes.ts";
import { sh } from "../helpers/programs.ts";
import { startServer } from "../helpers/server.ts";
import { spawners, withoutKoffi } from "../helpers/spawners.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";

/** For what is about the descriptors and children of the one process that has the rooms. */
const inOneProcess = ["--workers", "0"];

/** Ignores what it can. Tells its own pid and those of two children. */
const stubborn = "trap '' TERM INT HUP; sleep 100 & one=$!; sleep 100 & echo $$ $one $!; wait; sleep 100";

describe.concurrent("pipes", () => {
  test("a program can open /dev/stdin", async () => {
    await using server = await startServer(["cat", "--", "/dev/stdin"]);
    await using client = await join(server, "a");
    client.send("hello");
    expect(await client.messages(1)).toEqual(["hello"]);
  });

  test("a program can open /dev/stdout", async () => {
    await using server = await startServer(sh("echo hello > /dev/stdout"));
    await using client = await join(server, "a");
    expect(await client.closed).toMatchObject({ code: 1000 });
    expect(client.received).toEqual(["hello"]);
  });

  test("a program can open /dev/stderr, which is the server's stderr", async () => {
    await using server = await startServer(["tee", "--", "/dev/stderr"], { hasPipeAsStderr: true });
    await using client = await join(server, "a");
    client.send("to both");
    expect(await client.messages(1)).toEqual(["to both"]);
    await until(() => /^to both$/m.test(server.log()), "the line on stderr");
  });

  test.each([[[]], [["--stderr", "inherit"]]])(
    "with %j stderr is the server's own, and for no client",
    async (words) => {
      await using server = await startServer([...words, ...sh("echo aside >&2; echo hello")]);
      await using client = await join(server, "a");
      await client.closed;
      expect(client.received).toEqual(["hello"]);
      await until(() => /^aside$/m.test(server.log()), "the line on stderr");
    },
  );
});

describe.concurrent("what a process is born with", () => {
  test("a session and a process group of its own", async () => {
    await using server = await startServer(sh("echo $$; sleep 100 & echo $!; cat"));
    await using client = await join(server, "a");
    const [pid, child] = (await client.messages(2)).map(Number) as [number, number];
    expect(placeOf(pid)).toEqual({ group: pid, session: pid });
    expect(placeOf(child)).toEqual({ group: pid, session: pid });
  });

  test("an environment of the CGI variables and --passenv, and nothing else", async () => {
    const env = { KEPT: "this = that", EMPTY: "", SECRET: "not for programs" };
    await using server = await startServer(["--passenv", "KEPT,EMPTY,UNSET,constructor", "/usr/bin/env"], { env });
    await using client = await join(server, "room:1/x%20y/%C3%A9?a=1&b=%20%22", {
      headers: { "X-Name": "J\u00fcrgen", "User-Agent": "test" },
    });
    await client.closed;
    const { REMOTE_PORT: remotePort, ...variables } = parseEnvironment(client.received);
    expect(Number(remotePort)).toBeGreaterThan(0);
    expect(variables).toEqual({
      KEPT: "this = that",
      EMPTY: "",
      PYTHONUNBUFFERED: "1",
      GATEWAY_INTERFACE: "CGI/1.1",
      QUERY_STRING: "a=1&b=%20%22",
      REMOTE_ADDR: "127.0.0.1",
      REMOTE_HOST: "127.0.0.1",
      REQUEST_METHOD: "GET",
      REQUEST_URI: "/room:1/x%20y/%C3%A9?a=1&b=%20%22",
      SCRIPT_NAME: "/room:1",
      PATH_INFO: "/x y/\u00e9",
      SERVER_NAME: "127.0.0.1",
      SERVER_PORT: String(server.port),
      SERVER_PROTOCOL: "HTTP/1.1",
      SERVER_SOFTWARE: expect.stringMatching(/^scalesocket\/\d+\.\d+\.\d+$/),
      ROOM: "room:1",
      HTTP_HOST: `127.0.0.1:${server.port}`,
      HTTP_CONNECTION: "Upgrade",
      HTTP_UPGRADE: "websocket",
      HTTP_USER_AGENT: "test",
      HTTP_SEC_WEBSOCKET_VERSION: "13",
      HTTP_SEC_WEBSOCKET_KEY: expect.stringMatching(/^.{22}==$/),
      HTTP_SEC_WEBSOCKET_EXTENSIONS: expect.any(String),
      HTTP_X_NAME: "J\u00fcrgen",
    });
  });

  test("PATH, and the empty list where --passenv is empty", async () => {
    await using standard = await startServer(["/usr/bin/env"]);
    await using empty = await startServer(["--passenv", "", "/usr/bin/env"]);
    await using first = await join(standard, "a");
    await using second = await join(empty, "a");
    await Promise.all([first.closed, second.closed]);
    expect(parseEnvironment(first.received)["PATH"]).toBe(process.env["PATH"]);
    expect(parseEnvironment(second.received)).not.toHaveProperty("PATH");
    expect(parseEnvironment(second.received)).toHaveProperty("ROOM", "a");
  });

  test("PYTHONUNBUFFERED, unless --passenv passes another value of it on", async () => {
    const env = { PYTHONUNBUFFERED: "" };
    await using standard = await startServer(["/usr/bin/env"], { env });
    await using named = await startServer(["--passenv", "PYTHONUNBUFFERED", "/usr/bin/env"], { env });
    await using first = await join(standard, "a");
    await using second = await join(named, "a");
    await Promise.all([first.closed, second.closed]);
    expect(parseEnvironment(first.received)).toHaveProperty("PYTHONUNBUFFERED", "1");
    expect(parseEnvironment(second.received)).toHaveProperty("PYTHONUNBUFFERED", "");
  });

  test("headers can name no variable but those that begin with HTTP_, and secrets are kept back", async () => {
    await using server = await startServer(["/usr/bin/env"]);
    await using client = await join(server, "a", {
      perMessageDeflate: false,
      headers: {
        Proxy: "http://evil.example",
        Authorization: "Basic c2VjcmV0",
        "Proxy-Authorization": "Basic c2VjcmV0",
        X_Under: "score",
        "X.Dot": "dot",
        "X~Tilde": "tilde",
        Path: "/evil",
        "LD-PRELOAD": "/evil.so",
        // The types of `ws` know of one value only.
        "X-Twice": ["one", "two"] as unknown as string,
        Cookie: ["a=1", "b=2"] as unknown as string,
        "X-Utf8": Buffer.from("\u00e9\u{1f600}").toString("latin1"),
        "X-Latin1": "\u00e9t\u00e9",
        "x-lower": "low",
      },
    });
    await client.closed;
    const variables = parseEnvironment(client.received);
    const sent = Object.keys(variables).filter((name) => !/^HTTP_(HOST|CONNECTION|UPGRADE|SEC_)/.test(name));
    expect(sent.filter((name) => name.startsWith("HTTP_")).toSorted()).toEqual([
      "HTTP_COOKIE",
      "HTTP_LD_PRELOAD",
      "HTTP_PATH",
      "HTTP_X_LATIN1",
      "HTTP_X_LOWER",
      "HTTP_X_TWICE",
      "HTTP_X_UTF8",
    ]);
    expect(variables).toMatchObject({
      PATH: process.env["PATH"],
      HTTP_PATH: "/evil",
      HTTP_X_TWICE: "one, two",
      HTTP_COOKIE: "a=1; b=2",
      HTTP_X_UTF8: "\u00e9\u{1f600}",
      HTTP_X_LATIN1: "\u00e9t\u00e9",
      HTTP_X_LOWER: "low",
    });
    expect(client.received.join("\n")).not.toMatch(/evil\.example|c2VjcmV0|score|dot|tilde/);
  });

  test("no descriptor but its first three, whatever the server has open", async () => {
    const inherited = openSync("/dev/null", "r");
    const gap = Array.from({ length: 40 }, () => "ignore" as const);
    await using server = await startServer(sh("ls /proc/$$/fd; cat"), {
      extraDescriptors: [inherited, ...gap, inherited],
    });
    closeSync(inherited);
    expect(readdirSync(`/proc/${server.pid}/fd`)).toContain("44");
    await using first = await join(server, "a");
    expect(await first.messages(3)).toEqual(["0", "1", "2"]);
    await using second = await join(server, "b");
    second.send("end of list");
    expect(await second.messages(4)).toEqual(["0", "1", "2", "end of list"]);
  });

  test("the server's working directory", async () => {
    await using folder = await tempFolder();
    await using server = await startServer(["/bin/pwd"], { cwd: folder.path });
    await using client = await join(server, "a");
    await client.closed;
    expect(client.received).toEqual([folder.path]);
  });
});

describe.concurrent.each(spawners)("processes by %s", (_, options) => {
  test("read and write, and their exit code closes the room", async () => {
    await using server = await startServer(sh('echo "$1"; head -n 1; exit 4', "an argument"), options);
    await using client = await join(server, "a");
    expect(await client.messages(1)).toEqual(["an argument"]);
    client.send("hello");
    expect(await client.closed).toEqual({ code: 1011, reason: "process exited with code 4" });
    expect(client.received).toEqual(["an argument", "hello"]);
  });

  test("have the CGI variables, and no others of the server", async () => {
    await using server = await startServer(["/usr/bin/env"], options);
    await using client = await join(server, "a?b=c");
    await client.closed;
    const variables = parseEnvironment(client.received);
    expect(variables).toMatchObject({ QUERY_STRING: "b=c", PATH: process.env["PATH"] });
    const names = Object.keys(variables).filter((name) => !/^(HTTP|REMOTE|REQUEST|SERVER)_/.test(name));
    expect(names.toSorted()).toEqual([
      "GATEWAY_INTERFACE",
      "PATH",
      "PATH_INFO",
      "PYTHONUNBUFFERED",
      "QUERY_STRING",
      "ROOM",
      "SCRIPT_NAME",
    ]);
  });

  test("have all signals at their defaults, and none blocked", async () => {
    await using server = await startServer(["cat", "--", "/proc/self/status"], options);
    await using client = await join(server, "a");
    await client.closed;
    const lines = client.received.map(String).filter((line) => /^Sig(Blk|Ign):/.test(line));
    // The signals from 32 on that a C library keeps to itself do not count.
    const sets = lines.map((line) => BigInt(`0x${line.split("\t")[1]}`) & 0x7fff_ffffn);
    expect(sets).toEqual([0n, 0n]);
  });

  test("go with their whole group when the last client leaves", async () => {
    await using server = await startServer(["--killgrace", "0.1", ...sh(stubborn)], options);
    await using client = await join(server, "a");
    const pids = await pidsOf(client);
    expect(placeOf(pids[0] as number)).toEqual({ group: pids[0], session: pids[0] });
    client.socket.close();
    await allGone(pids);
  });

  test("go when the server is killed", async () => {
    await using server = await startServer(sh(stubborn), options);
    await using client = await join(server, "a");
    const pids = await pidsOf(client);
    const children = childrenOf(server.pid);
    server.child.kill("SIGKILL");
    await allGone([...pids, ...children]);
  });

  test("that talk over TCP go when the server is killed", async () => {
    const { range } = await freePorts(1);
    await using server = await startServer(["-v", "--tcp", "--tcpports", range, ...sh(stubborn)], options);
    await using client = await join(server, "a");
    // With --tcp, stdout is the server's stderr. The guardian is told of a process before the log is.
    const line = /^\d+ \d+ \d+$/m;
    await until(() => line.test(server.log()) && server.log().includes("process started"), "the process to start");
    const pids = line.exec(server.log())?.[0].split(" ").map(Number) ?? [];
    expect(pids.filter(isAlive)).toHaveLength(3);
    const children = childrenOf(server.pid);
    server.child.kill("SIGKILL");
    await allGone([...pids, ...children]);
    await client.closed;
  });

  test("that cannot be started close the client with the reason, and the server goes on", async () => {
    await using folder = await tempFolder();
    await using server = await startServer(["./program"], { ...options, cwd: folder.path });
    await using early = await join(server, "a");
    expect(await early.closed).toEqual({ code: 1011, reason: "cannot start ./program: no such file or directory" });
    await writeFile(folder.at("program"), "#!/bin/sh\necho hello\n");
    await using tooEarly = await join(server, "a");
    const reason = "cannot start ./program: permission denied (it is not executable: chmod +x)";
    expect(await tooEarly.closed).toEqual({ code: 1011, reason });
    execFileSync("chmod", ["+x", folder.at("program")]);
    await using late = await join(server, "a");
    expect(await late.closed).toMatchObject({ code: 1000 });
    expect(late.received).toEqual(["hello"]);
  });

  test("that are scripts without #! are run by the shell", async () => {
    await using folder = await tempFolder();
    await writeFile(folder.at("plain"), 'echo "plain $1"\n', { mode: 0o755 });
    const env = { ...options.env, PATH: `${folder.path}:${process.env["PATH"]}` };
    for (const command of ["./plain", "plain"]) {
      await using server = await startServer([command, "--", "words of it"], { env, cwd: folder.path });
      await using client = await join(server, "a");
      expect(await client.closed).toMatchObject({ code: 1000 });
      expect(client.received).toEqual(["plain words of it"]);
    }
  });

  test("may end at once, over and over, and leave nothing behind", async () => {
    await using server = await startServer([...inOneProcess, "true"], options);
    const [guardian, ...others] = childrenOf(server.pid);
    expect(others).toEqual([]);
    const before = openFilesOf(server.pid);
    await Promise.all(
      Array.from({ length: 40 }, async (_each, index) => {
        await using client = await join(server, `room-${index % 20}`);
        for (let count = 0; count < 100; count += 1) client.send("x".repeat(1000));
        expect(await client.closed).toEqual({ code: 1000, reason: "" });
      }),
    );
    await until(() => openFilesOf(server.pid) <= before, "descriptors to be closed");
    expect(childrenOf(server.pid)).toEqual([guardian]);
    expect(server.log()).not.toMatch(/error|warn .*(room|process ended)/);
  });

  test("may close their stdin and live on", async () => {
    await using server = await startServer(
      ["--metrics", ...sh("exec <&-; while :; do echo tick; sleep 0.05; done")],
      options,
    );
    await using client = await join(server, "a");
    await client.messages(1);
    for (let count = 0; count < 300; count += 1) client.send("x".repeat(10_000));
    await until(async () => (await dropped(server, "input_closed")) > 0, "messages that nobody reads to be counted");
    const { length } = client.received;
    await client.messages(length + 2);
    await using another = await join(server, "a");
    expect(await another.messages(1)).toContain("tick");
  });

  test("close the client with the reason when the server is out of descriptors, and it goes on", async () => {
    await using server = await startServer([...inOneProcess, "cat"], options);
    await using first = await join(server, "a");
    first.send("hello");
    await first.messages(1);
    const before = openFilesOf(server.pid);
    // One for the client and two for the first pipe, but not two more for the second.
    limitDescriptors(server.pid, freeDescriptors(server.pid, 4).at(-1) as number);
    await using second = await join(server, "b");
    expect(await second.closed).toMatchObject({ code: 1011, reason: expect.stringMatching(/^cannot start cat: ./) });
    await until(() => openFilesOf(server.pid) === before, "descriptors to be closed");
    first.send("still here");
    expect(await first.messages(2)).toEqual(["hello", "still here"]);
    limitDescriptors(server.pid, 10_000);
    await using third = await join(server, "b");
    third.send("again");
    expect(await third.messages(1)).toEqual(["again"]);
  });

  test("go on when the server, out of descriptors, is asked what it holds", async () => {
    await using server = await startServer([...inOneProcess, "cat"], options);
    await using client = await join(server, "a");
    client.send("hello");
    await client.messages(1);
    limitDescriptors(server.pid, 3);
    server.child.kill("SIGUSR2");
    await until(
      () => /status: server: [1-9]\d* MiB resident, [1-9]/.test(server.log()),
      () => server.log(),
    );
    client.send("still here");
    expect(await client.messages(2)).toEqual(["hello", "still here"]);
  });
});

test("the log says once what it costs that koffi cannot be loaded", async () => {
  await using server = await startServer(["cat"], withoutKoffi);
  await using first = await join(server, "a");
  await using second = await join(server, "b");
  for (const client of [first, second]) client.send("hello");
  await Promise.all([first.messages(1), second.messages(1)]);
  const lines = server
    .log()
    .split("\n")
    .filter((line) => / warn /.test(line));
  expect(lines).toEqual([
    expect.stringMatching(/posix_spawn cannot be called.*child_process.*each start holds up.*\/dev\/stdin/),
  ]);
});

describe.concurrent("the end of a process by steps", () => {
  test("its stdin is closed first, which is enough for a filter", async () => {
    await using folder = await tempFolder();
    const script = 'trap "echo TERM >> \\"$1\\"" TERM; while read -r _; do :; done; echo end of input >> "$1"';
    await using server = await startServer(sh(script, folder.at("log")));
    await using client = await join(server, "a");
    client.send("hello");
    client.socket.close();
    await processEnded(server, "process exited with code 0");
    expect(readFileSync(folder.at("log"), "utf8")).toBe("end of input\n");
  });

  test("SIGTERM comes next, to the whole group", async () => {
    await using folder = await tempFolder();
    // The child says that it was told, before all are killed.
    const script = `(trap 'echo child > "$1"; exit' TERM; echo up; while :; do sleep 0.02; done) &
      trap 'while [ ! -s "$1" ]; do sleep 0.02; done; exit 7' TERM; while :; do sleep 0.02; done`;
    await using server = await startServer(sh(script, folder.at("log")));
    await using client = await join(server, "a");
    await client.messages(1);
    client.socket.close();
    await processEnded(server, "process exited with code 7");
    expect(readFileSync(folder.at("log"), "utf8")).toBe("child\n");
  });

  test("SIGTERM ends a process that does not care for its stdin", async () => {
    await using server = await startServer(["sleep", "--", "100"]);
    await using client = await join(server, "a");
    client.socket.close();
    await processEnded(server, "process ended by SIGTERM");
  });

  test("SIGKILL comes last, after --killgrace", async () => {
    await using server = await startServer(["--killgrace", "0.1", ...sh(stubborn)]);
    await using client = await join(server, "a");
    const pids = await pidsOf(client);
    client.socket.close();
    await processEnded(server, "process ended by SIGKILL");
    await allGone(pids);
  });

  test("grandchildren go too, also where the process itself ends at once", async () => {
    const script = "sleep 100 & one=$!; sh -c \"trap '' TERM; sleep 100\" & echo $$ $one $!; cat";
    await using server = await startServer(["--killgrace", "0.1", ...sh(script)]);
    await using client = await join(server, "a");
    const pids = await pidsOf(client);
    client.socket.close();
    await processEnded(server, "process exited with code 0");
    await allGone(pids);
  });

  test("a program that a shell has started ends in its own way, though the shell goes at once", async () => {
    await using folder = await tempFolder();
    const program = `trap 'sleep 0.2; echo saved > "$1"; exit' TERM; echo ready; while :; do sleep 0.02; done`;
    const script = `sh -c '${program.replaceAll("'", String.raw`'\''`)}' program "$1"; true`;
    await using server = await startServer(sh(script, folder.at("state")));
    await using client = await join(server, "a");
    await client.messages(1);
    client.socket.close();
    await processEnded(server, "process ended by SIGTERM");
    expect(readFileSync(folder.at("state"), "utf8")).toBe("saved\n");
  });
});

describe.concurrent("the end of the server", () => {
  test.each([
    ["SIGTERM", 1012],
    ["SIGINT", 1001],
  ] as const)("%s ends the processes of all rooms at once, without --draintime", async (signal, code) => {
    await using folder = await tempFolder();
    // Each waits until all of them have come to the end of their input.
    const script = `trap '' TERM; echo $$; cat > "$1/$ROOM"; echo "end of input" >> "$1/$ROOM"
      while [ $(cat "$1"/* | grep -c "end of input") -lt 5 ]; do sleep 0.02; done; exit 5`;
    await using server = await startServer(["--draintime=0", "--leavemsg", "#ID leaves", ...sh(script, folder.path)]);
    const clients = await Promise.all(Array.from({ length: 5 }, async (_each, index) => join(server, `room-${index}`)));
    const pids = await Promise.all(clients.map(async (client) => Number((await client.messages(1))[0])));
    const exitCode = server.stop(signal);
    for (const client of clients) {
      expect(await client.closed).toEqual({ code, reason: "server is shutting down" });
    }
    expect(await exitCode).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);
    const texts = pids.map((_each, index) => readFileSync(folder.at(`room-${index}`), "utf8")).toSorted();
    expect(texts).toEqual([1, 2, 3, 4, 5].map((id) => `${id} leaves\nend of input\n`));
    expect(server.log().split("process exited with code 5")).toHaveLength(6);
  });

  test("processes that ignore it are killed after --killgrace", async () => {
    await using server = await startServer(["--killgrace", "0.1", ...sh(stubborn)]);
    await using client = await join(server, "a");
    const pids = await pidsOf(client);
    expect(await server.stop()).toBe(0);
    await until(() => server.log().includes("process ended by SIGKILL"), "the log");
    await allGone(pids);
  });

  test("a second signal kills at once", async () => {
    await using server = await startServer(["--killgrace", "3600", ...sh(stubborn)]);
    await using client = await join(server, "a");
    const pids = await pidsOf(client);
    const exitCode = server.stop("SIGINT");
    expect(await client.closed).toMatchObject({ code: 1001 });
    expect(pids.every(isAlive)).toBe(true);
    server.child.kill("SIGTERM");
    expect(await exitCode).toBe(0);
    await allGone(pids);
  });

  test.each([
    [0, 21],
    [2, 2],
  ])(
    "nothing lives on when the server is killed with SIGKILL, whatever 20 rooms ignore (%i workers)",
    async (workers, count) => {
      await using server = await startServer(["--workers", String(workers), ...sh(stubborn)]);
      const rooms = Array.from({ length: 20 }, (_each, index) => `room-${index}`);
      const clients = await Promise.all(rooms.map(async (room) => join(server, room)));
      const pids = (await Promise.all(clients.map(pidsOf))).flat();
      expect(pids).toHaveLength(60);
      const children = childrenOf(server.pid);
      expect(children).toHaveLength(count);
      server.child.kill("SIGKILL");
      await allGone([...pids, ...children]);
      await Promise.all(clients.map(async (client) => client[Symbol.asyncDispose]()));
    },
  );
});

describe.concurrent("the guardian of processes", () => {
  test("is started again when it is killed, and knows of the processes before", async () => {
    await using server = await startServer([...inOneProcess, ...sh(stubborn)]);
    const [guardian] = childrenOf(server.pid) as [number];
    await using client = await join(server, "a");
    const pids = await pidsOf(client);
    process.kill(guardian, "SIGKILL");
    await until(() => server.log().includes("the guardian of processes is back"), "another guardian");
    server.child.kill("SIGKILL");
    await allGone(pids);
  });

  test("is not left behind where it stands still when the server stops", async () => {
    await using server = await startServer([...inOneProcess, "cat"]);
    const [guardian] = childrenOf(server.pid) as [number];
    process.kill(guardian, "SIGSTOP");
    expect(await server.stop()).toBe(0);
    await allGone([guardian]);
  });
});

describe.concurrent("a process that says nothing 5 s after a client has spoken", () => {
  const hint = / info .*in a buffer, as programs do without a terminal: use python -u, stdbuf -oL or script\(1\),.*$/gm;

  test("gets one line in the log that explains buffering, however much it hears", async () => {
    // Rooms of one worker tell in turn which one has been silent for longer.
    await using server = await startServer(["-vv", "--workers", "1", "awk", "--", "{ print }"]);
    const say = async (client: TestClient, room: string, message: string): Promise<void> => {
      const heard = (): number => server.log().split(`bytes from client room=${room}`).length;
      const before = heard();
      client.send(message);
      await until(() => heard() > before, "the process to be told");
    };
    const silentRooms = (): string[] =>
      Array.from(server.log().match(hint) ?? [], (line) => / room=(\w pid=\d+)$/.exec(line)?.[1] ?? line);
    await using first = await join(server, "a");
    await using second = await join(server, "b");
    const startedAt = performance.now();
    await say(first, "a", "one");
    await say(second, "b", "one");
    await say(first, "a", "two");
    await until(() => silentRooms().length === 2, "two explanations");
    expect(performance.now() - startedAt).toBeGreaterThan(4900);
    await say(first, "a", "three");
    await using third = await join(server, "c");
    await say(third, "c", "one");
    await until(() => silentRooms().length > 2, "another explanation");
    const started = Array.from(server.log().matchAll(/process started room=(\w pid=\d+)$/gm), ([, of]) => of);
    // Processes are started side by side, so the log may name the second one first.
    expect(silentRooms()).toHaveLength(3);
    expect(new Set(silentRooms())).toEqual(new Set(started));
  });

  test("gets none before, nor when it has spoken, nor when it is gone", async () => {
    await using server = await startServer(
      sh("[ $ROOM = gone ] && exec head -n 1 >&2; [ $ROOM = spoken ] && echo hello; cat >&2"),
    );
    await using unasked = await join(server, "unasked");
    await using gone = await join(server, "gone");
    await using spoken = await join(server, "spoken");
    await using silent = await join(server, "silent");
    gone.send("bye");
    await gone.closed;
    await spoken.messages(1);
    spoken.send("you too");
    silent.send("well?");
    await until(() => server.log().match(hint) !== null, "the explanation");
    expect(server.log().match(hint)).toEqual([expect.stringContaining(" room=silent ")]);
    expect(unasked.received).toEqual([]);
  });

  test("is not meant where it talks over TCP", async () => {
    const { range } = await freePorts(1);
    const quiet = "require('node:net').createServer().listen(process.env.PORT, '127.0.0.1')";
    await using overTcp = await startServer(["--tcp", "--tcpports", range, "node", "--", "-e", quiet]);
    await using overPipes = await startServer(sh("cat > /dev/null"));
    await using first = await join(overTcp, "a");
    first.send("hello");
    await using second = await join(overPipes, "a");
    second.send("hello");
    await until(() => overPipes.log().match(hint) !== null, "the explanation");
    expect(overTcp.log()).not.toMatch(hint);
  });
});

describe.concurrent("--cmd-attach-delay", () => {
  test("messages wait that long, and none is lost", async () => {
    const words = ["--joinmsg", "join #ID", "--cmd-attach-delay", "1"];
    await using server = await startServer([...words, ...sh("echo ready; cat")]);
    const startedAt = performance.now();
    await using client = await join(server, "a");
    let heardAfterMs = 0;
    client.socket.on("message", (data) => {
      if ((data as Buffer).toString() === "join 1") heardAfterMs = performance.now() - startedAt;
    });
    const sent = Array.from({ length: 2000 }, (_each, index) => `${index} ${"x".repeat(1000)}`);
    for (const message of sent) client.send(message);
    const received = await client.messages(2002);
    // Timers of Node keep whole milliseconds.
    expect(heardAfterMs).toBeGreaterThan(998);
    expect(received.slice(2)).toEqual(sent);
  });

  test("what waits is said before the end of input when the last client leaves", async () => {
    await using folder = await tempFolder();
    await using server = await startServer(["--cmd-attach-delay", "3600", ...sh('cat > "$1"', folder.at("input"))]);
    await using client = await join(server, "a");
    client.send("hello");
    client.socket.close();
    await processEnded(server, "process exited with code 0");
    expect(readFileSync(folder.at("input"), "utf8")).toBe("hello\n");
  });
});

/** The pids that the first message names: the process's own and those of its two children. */
async function pidsOf(client: TestClient): Promise<number[]> {
  const [line] = await client.messages(1);
  const pids = String(line).split(" ").map(Number);
  expect(pids).toHaveLength(3);
  expect(pids.every(isAlive)).toBe(true);
  return pids;
}

function parseEnvironment(lines: readonly (string | Buffer)[]): Record<string, string> {
  return Object.fromEntries(
    lines.map(String).map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
}
