import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { bin } from "../helpers/bin.ts";
import { join } from "../helpers/client.ts";
import { read } from "../helpers/examples.ts";
import { sh } from "../helpers/programs.ts";
import { runToEnd, startServer, type TestServer } from "../helpers/server.ts";
import { until } from "../helpers/until.ts";
import { logOfOneMessage, wholeLog } from "../helpers/whole-log.ts";

test("options may stand before and after the command", async () => {
  await using server = await startServer(["--metrics", "cat", "--stats"]);

  expect((await server.http("/metrics")).status).toBe(200);
  expect(await textOf(server, "/room/stats")).toBe("room is not open\n");
});

test("what follows -- goes to the command untouched", async () => {
  const args = ["--stats", "-v", "--frame", "--", "", "two words", "é\n'\"$HOME"];
  await using server = await startServer(["--metrics", ...sh('printf "<%s>" "$@"; echo', ...args)]);
  await using client = await join(server, "room");

  expect((await client.messages(2)).join("\n")).toBe(args.map((arg) => `<${arg}>`).join(""));
  expect(await textOf(server, "/room/stats")).toBe("not found\n");
  expect(server.log()).not.toContain("client joined");
});

test("a second word without -- is a usage error that says where arguments go", async () => {
  const { code, stdout, stderr } = await runToEnd(["grep", "--metrics", "hello", "--stats", "--", "-v"]);

  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toContain('unexpected "hello"');
  expect(stderr).toContain("put arguments of the command after --");
  expect(stderr).toContain("scalesocket grep -- hello");
});

test("--frame alone means binary and never eats the next word", async () => {
  await using before = await startServer(["--frame", "cat"]);
  await using after = await startServer(["cat", "--frame"]);
  await using named = await startServer(["--frame=binary", "cat"]);

  expect(await echoes(before, "not JSON")).toEqual([["not JSON"], ["not JSON"]]);
  expect(await echoes(after, "not JSON")).toEqual([["not JSON"], ["not JSON"]]);
  expect(await echoes(named, "not JSON")).toEqual([["not JSON"], ["not JSON"]]);
});

test("--frame takes its value with = only", async () => {
  await using server = await startServer(["--frame=json", "cat"]);

  expect(await echoes(server, "{}")).toEqual([['{"id":1}'], ['{"id":2}']]);
  const separate = await runToEnd(["--frame", "json", "cat"]);
  expect(separate.code).toBe(2);
  expect(separate.stderr).toContain("--frame takes its value with =: --frame=json");
});

test("-v counts", async () => {
  const [none, single, twice, apart, written] = await Promise.all([
    logOfOneMessage([]),
    logOfOneMessage(["-v"]),
    logOfOneMessage(["-vv"]),
    logOfOneMessage(["-v", "-v"]),
    logOfOneMessage([], { SCALESOCKET_VERBOSE: "2" }),
  ]);

  expect([none, single, twice, apart, written].map(levelsIn)).toEqual([
    ["info"],
    ["debug", "info"],
    ["debug", "info", "trace"],
    ["debug", "info", "trace"],
    ["debug", "info", "trace"],
  ]);
});

test.concurrent.each([
  ["--passenv ''", ["--passenv", ""], {}],
  ["--passenv=", ["--passenv="], {}],
  ["an empty SCALESOCKET_PASSENV", [], { SCALESOCKET_PASSENV: "" }],
])("%s passes no variable on", async (_name, words, env) => {
  await using server = await startServer([...words, "/usr/bin/env"], { env });

  const names = await variablesOfProcess(server);
  expect(names).toContain("ROOM");
  expect(names).not.toContain("PATH");
});

test("PATH is passed on by default, and others by name", async () => {
  const env = { FIRST: "1", SECOND: "2", THIRD: "3" };
  await using plain = await startServer(["/usr/bin/env"], { env });
  await using named = await startServer(["/usr/bin/env", "--passenv", "FIRST,THIRD"], { env });

  expect(await variablesOfProcess(plain)).toContain("PATH");
  expect(await variablesOfProcess(plain)).not.toContain("FIRST");
  const names = await variablesOfProcess(named);
  expect(names.filter((name) => name === "PATH" || name in env)).toEqual(["FIRST", "THIRD"]);
});

test("environment variables set options", async () => {
  const env = { SCALESOCKET_METRICS: "true", SCALESOCKET_STATS: "1", SCALESOCKET_JSON: "0", SCALESOCKET_FRAME: "json" };
  await using server = await startServer(["cat"], { env });

  expect((await server.http("/metrics")).status).toBe(200);
  expect(await textOf(server, "/room/stats")).toBe("room is not open\n");
  expect(await echoes(server, "{}")).toEqual([['{"id":1}'], ['{"id":2}']]);
  expect(server.log()).not.toContain('{"level"');
});

test("--delay is --cmd-attach-delay", async () => {
  await using server = await startServer(["--delay", "0.5", "cat"]);
  const startedAt = performance.now();
  await using client = await join(server, "room");
  client.send("hello");
  await client.messages(1);
  // Timers of Node keep whole milliseconds.
  expect(performance.now() - startedAt).toBeGreaterThan(498);

  const both = await runToEnd(["cat", "--delay", "1", "--cmd-attach-delay", "2"]);
  expect(both.code).toBe(2);
  expect(both.stderr).toContain("--cmd-attach-delay=2 and --delay=1 contradict each other");
});

test("--log text is for people, --log json and --json are one object a line, and both at once an error", async () => {
  const [plain, json, alias] = await Promise.all(
    [["--log", "text"], ["--log=json"], ["--json"]].map(async (words) => {
      await using server = await startServer([...words, "cat"]);
      return wholeLog(server);
    }),
  );
  expect(plain).toMatch(/ info {2}listening on /);
  for (const log of [json, alias]) expect(log).toMatch(/^\{"level":"info".*"msg":"listening on /);

  const both = await runToEnd(["cat", "--json", "--log", "text"]);
  expect(both.code).toBe(2);
  expect(both.stderr).toContain("--log=text and --json contradict each other");
});

test("a flag wins over the environment variable, even over one that makes no sense", async () => {
  // The flag --addr is among the words of every server here.
  const env = { SCALESOCKET_ADDR: "nonsense", SCALESOCKET_FRAME: "json", SCALESOCKET_METRICS: "false" };
  await using server = await startServer(["cat", "--frame=binary", "--metrics"], { env });

  expect(await echoes(server, "not JSON")).toEqual([["not JSON"], ["not JSON"]]);
  expect((await server.http("/metrics")).status).toBe(200);
});

test.concurrent.each([
  [
    ["--addr", "here"],
    {},
    '--addr: expected HOST:PORT with a port from 0 to 65535, such as 127.0.0.1:9000 or [::1]:9000, got "here"',
  ],
  [["--frame=xml"], {}, '--frame: expected one of binary, json, got "xml"'],
  [["--killgrace", "-1"], {}, '--killgrace: expected seconds from 0 to 3600, got "-1"'],
  [
    [],
    { SCALESOCKET_TCPPORTS: "9:1" },
    'SCALESOCKET_TCPPORTS: expected START:END with ports from 1 to 65535, the lower one first, got "9:1"',
  ],
  [
    [],
    { SCALESOCKET_MAXMESSAGE: "1T" },
    'SCALESOCKET_MAXMESSAGE: expected bytes from 1 to 512M, with or without a unit (K, M, G), got "1T"',
  ],
  [["--staticdir", "/no/such"], {}, '--staticdir: expected a folder, got "/no/such"'],
  [
    ["--binary", "--frame=json"],
    {},
    "--binary passes bytes through as they come, so it does not go together with --frame=json",
  ],
])("%j with the variables %j is a usage error", async (words, env, message) => {
  expect(await runToEnd(["cat", "--addr", "127.0.0.1:0", ...words], { env })).toEqual({
    code: 2,
    stdout: "",
    stderr: `scalesocket: ${message}\nTry scalesocket --help.\n`,
  });
});

test("a missing command is a usage error", async () => {
  const results = await Promise.all([runToEnd([]), runToEnd(["--metrics", "--", "cat"])]);

  for (const { code, stderr } of results) {
    expect(code).toBe(2);
    expect(stderr).toMatch(/^scalesocket: the command to wrap is missing: .*<CMD>/);
  }
});

test.concurrent.each([
  ["--metric", "--metrics"],
  ["--adr=127.0.0.1:0", "--addr"],
  ["--oneshoot", "--oneshot"],
])("the unknown flag %s suggests %s", async (flag, suggestion) => {
  const { code, stdout, stderr } = await runToEnd(["cat", flag]);

  expect(code).toBe(2);
  expect(stdout).toBe("");
  expect(stderr).toContain(`unknown option '${flag.replace(/=.*/, "")}'`);
  expect(stderr).toContain(`(Did you mean ${suggestion}?)`);
});

test("a port in use ends with exit code 1 and an error in the log, and nothing claims to listen", async () => {
  const other = createServer().listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const [byFlag, byVariable] = await Promise.all([
    runToEnd(["cat", "--addr", `127.0.0.1:${port}`]),
    runToEnd(["cat", "--json"], { env: { SCALESOCKET_ADDR: `127.0.0.1:${port}` } }),
  ]);
  other.close();

  const msg = `cannot listen on 127.0.0.1:${port}: the address is in use`;
  expect(byFlag).toMatchObject({ code: 1, stdout: "" });
  expect(byFlag.stderr.slice(13)).toBe(`error ${msg}\n`);
  expect(byVariable).toMatchObject({ code: 1, stdout: "" });
  expect(JSON.parse(byVariable.stderr)).toMatchObject({ level: "error", msg });
});

test("stdout carries nothing of a server, whatever happens in it", async () => {
  await using server = await startServer(["-vv", "--json", ...sh("echo hello; echo problem >&2; read line; exit 3")]);
  const stdout = text(server.child.stdout as NodeJS.ReadableStream);
  await using client = await join(server, "room");
  await client.messages(1);
  client.send("go");
  await client.closed;

  expect(await wholeLog(server)).toContain("problem");
  expect(await stdout).toBe("");
});

test("-h and --help print the options on stdout, -V and --version the version", async () => {
  const [h, help, v, version] = await Promise.all(["-h", "--help", "-V", "--version"].map((word) => runToEnd([word])));

  expect(h).toEqual(help);
  expect(help).toMatchObject({ code: 0, stderr: "" });
  expect(help?.stdout).toMatch(/^Usage: scalesocket \[OPTIONS\] <CMD> \[-- <ARGS>...\]$/m);
  expect(help?.stdout).toMatch(/^ {2}--addr <ADDR> .*\[default:\s+0\.0\.0\.0:9000\]$/ms);
  expect(help?.stdout).toMatch(/^ {2}--frame\[=MODE\] /m);
  expect(v).toEqual(version);
  expect(version).toMatchObject({ code: 0, stderr: "" });
  expect(version?.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test.each([
  ["--help >/dev/full", 1, "scalesocket: cannot write to stdout: ENOSPC: no space left on device, write\n"],
  ["--print-config cat >/dev/full", 1, "scalesocket: cannot write to stdout: ENOSPC: no space left on device, write\n"],
  ["--nonsense 2>/dev/full", 2, ""],
])("what cannot be written is told by the exit code: %s", async (words, exitCode, stderr) => {
  const child = spawn("sh", ["-c", `exec "$0" "$1" ${words}`, process.execPath, bin]);
  const [[code], said] = await Promise.all([once(child, "close"), text(child.stderr)]);
  expect([code, said]).toEqual([exitCode, stderr]);
});

test("the help has the options in the groups in which they are documented", async () => {
  const { stdout } = await runToEnd(["--help"]);
  const documented = groupsIn(read("docs/options.md"), /^## (.*)$/, /^\| (`.*?`) \|/);
  const { Options: own, ...groups } = groupsIn(stdout, /^([A-Z].*):$/, /^ {2}(-\S.*?)(?: {2}|$)/);

  expect(own).toEqual(["--version", "--help"]);
  expect(groups).toEqual(documented);
  expect(documented).toMatchObject({
    Messages: expect.arrayContaining(["--cache", "--fromfield"]),
    Rooms: expect.arrayContaining(["--linger", "--maxclients"]),
    Process: expect.arrayContaining(["--prewarm", "--limit-memory"]),
  });
});

test("port 0 picks a free port, and the listening line names it as soon as connections are accepted", async () => {
  await using program = launch(["--addr", "127.0.0.1:0", "cat"]);
  const [line] = await once(program.child.stderr, "data");
  const port = Number(/listening on 127\.0\.0\.1:(\d+)\n/.exec(String(line))?.[1]);

  expect(port).toBeGreaterThan(0);
  const socket = connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.destroy();
});

test.concurrent.each([
  ["SIGTERM", 1012],
  ["SIGINT", 1001],
] as const)("%s ends the server with exit code 0", async (signal, code) => {
  await using server = await startServer(["cat"]);
  await using client = await join(server, "room");

  expect(await server.stop(signal)).toBe(0);
  expect((await client.closed).code).toBe(code);
});

test("a signal that comes while the server is starting ends it with exit code 0 too", async () => {
  const raise = `
    const { on } = process;
    process.on = (name, listener) => {
      on.call(process, name, listener);
      if (name === "SIGTERM") process.kill(process.pid, name);
      return process;
    };`;
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(raise)}` };
  // With --metrics the start takes longer than the signal takes to arrive.
  await using program = launch(["--addr", "127.0.0.1:0", "--metrics", "cat"], env);
  const log = text(program.child.stderr);
  await until(() => program.child.exitCode !== null, "the server to end");

  expect(program.child.exitCode).toBe(0);
  expect(await log).toContain("SIGTERM: shutting down");
});

/** The built program without waiting for anything; killed when the scope ends. */
function launch(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [bin, ...words], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const exit = once(child, "exit");
  return {
    child,
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill("SIGKILL");
      await exit;
    },
  };
}

/** The flags of each group: those in lines like `row`, below a line like `heading`. */
function groupsIn(page: string, heading: RegExp, row: RegExp): Record<string, string[]> {
  const groups: Record<string, string[]> = {};
  let group = "";
  for (const line of page.split("\n")) {
    group = heading.exec(line)?.[1] ?? group;
    const flags =
      row
        .exec(line)?.[1]
        ?.replace(/ is `.*`$/, "")
        .match(/--[a-z-]+/g) ?? [];
    if (flags.length > 0) groups[group] = [...(groups[group] ?? []), ...flags];
  }
  return groups;
}

async function textOf(server: TestServer, path: string): Promise<string> {
  return (await server.http(path)).text();
}

/** What two clients get when both send this to a program that echoes, one after the other. */
async function echoes(server: TestServer, message: string): Promise<(string | Buffer)[][]> {
  await using first = await join(server, "room");
  await using second = await join(server, "room");
  first.send(message);
  await first.messages(1);
  second.send(message);
  await second.messages(1);
  return [first.received, second.received];
}

function levelsIn(log: string): string[] {
  const levels = log
    .trimEnd()
    .split("\n")
    .map((line) => line.split(" ")[1] ?? "");
  return [...new Set(levels)].toSorted();
}

async function variablesOfProcess(server: TestServer): Promise<string[]> {
  await using client = await join(server, "room");
  await client.closed;
  return client.received.map((line) => String(line).split("=")[0] ?? "").toSorted();
}
