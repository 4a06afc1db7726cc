import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { expect, test } from "vitest";
import { bin } from "../helpers/bin.ts";
import { join } from "../helpers/client.ts";
import { programPath, sh } from "../helpers/programs.ts";
import { exchange, upgradeRequest } from "../helpers/raw-socket.ts";
import { startServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";
import { logOfOneMessage, wholeLog } from "../helpers/whole-log.ts";

const logLines = programPath("log-lines.mjs");
const textLine = /^\d\d:\d\d:\d\d\.\d{3} (error|warn |info |debug|trace) \S.*$/;
const isoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** What a client could try to write into a terminal or a log. */
const evil = "\u001b[31mRED\u001b]0;title\u0007\r\n00:00:00.000 error forged line\u009b2J\u2028\u0000";

interface Entry {
  readonly time: string;
  readonly level: string;
  readonly msg: string;
  readonly room?: string;
  readonly connection?: number;
  readonly pid?: number;
}

test("the log is lines of text: time, level, message, and what they are about", async () => {
  await using server = await startServer(["-v", ...sh("echo $$; read line; exit 3")]);
  await using client = await join(server, "lobby");
  const pid = String((await client.messages(1))[0]);
  client.send("go");
  await client.closed;
  await until(() => server.log().includes("client left"), "the log of the worker");
  const lines = linesOf(await wholeLog(server));

  for (const line of lines) expect(line).toMatch(textLine);
  expect(lines.map((line) => line.slice(13))).toEqual([
    `info  listening on 127.0.0.1:${server.port}`,
    `info  connect a websocket to ws://127.0.0.1:${server.port}/<room>`,
    "info  only requests for localhost, 127.0.0.1, [::1] are answered; behind a proxy, name its host with --allowhost",
    "debug client joined room=lobby connection=1",
    `info  process started room=lobby pid=${pid}`,
    `warn  process exited with code 3 room=lobby pid=${pid}`,
    "debug client left room=lobby connection=1",
    "info  SIGTERM: shutting down",
  ]);
});

test("with --json the log is one object a line, with room, connection and pid", async () => {
  await using server = await startServer(["-v", "--json", ...sh("echo $$; read line; exit 3")]);
  await using client = await join(server, "lobby");
  const pid = Number((await client.messages(1))[0]);
  client.send("go");
  await client.closed;
  await until(() => server.log().includes("client left"), "the log of the worker");
  const entries = linesOf(await wholeLog(server)).map((line) => JSON.parse(line) as Entry);

  for (const { time } of entries) expect(time).toMatch(isoTime);
  expect(entries.map(({ time: _time, ...entry }) => entry)).toEqual([
    { level: "info", msg: `listening on 127.0.0.1:${server.port}` },
    { level: "info", msg: `connect a websocket to ws://127.0.0.1:${server.port}/<room>` },
    { level: "info", msg: expect.stringMatching(/^only requests for localhost, .* are answered;/) },
    { level: "debug", msg: "client joined", room: "lobby", connection: 1 },
    { level: "info", msg: "process started", room: "lobby", pid },
    { level: "warn", msg: "process exited with code 3", room: "lobby", pid },
    { level: "debug", msg: "client left", room: "lobby", connection: 1 },
    { level: "info", msg: "SIGTERM: shutting down" },
  ]);
});

test("without -v who comes and goes is not logged, with -vv also the size of what passes", async () => {
  const [quiet, chatty] = await Promise.all([logOfOneMessage([]), logOfOneMessage(["-vv"])]);

  expect(quiet).not.toMatch(/client joined|client left|bytes from/);
  expect(quiet).toContain("process started");
  expect(chatty).toMatch(/ trace 5 bytes from client room=room connection=1( pid=\d+)?\n/);
  expect(chatty).toMatch(/ trace 6 bytes from process room=room( pid=\d+)?\n/);
  expect(chatty).not.toContain("hello");
});

test("the level tells what is wrong", async () => {
  await using failing = await startServer(["/no/such/command"]);
  await using dropping = await startServer(["--frame=json", "cat"]);
  await using client = await join(failing, "room");
  await client.closed;
  await using sender = await join(dropping, "room");
  sender.send("{}");
  await sender.messages(1);
  sender.send("no JSON");
  sender.send("{}");
  await sender.messages(2);

  expect(await wholeLog(failing)).toMatch(/ error cannot start \/no\/such\/command: .* room=room\n/);
  expect(await wholeLog(dropping)).toMatch(/ warn  message dropped: .* room=room connection=1 pid=\d+\n/);
});

test("a program that ends as it should is no warning", async () => {
  await using server = await startServer(["true"]);
  await using client = await join(server, "room");
  await client.closed;

  expect(await wholeLog(server)).toMatch(/ info  process exited with code 0 room=room pid=\d+\n/);
  expect(server.log()).not.toMatch(/ (warn|error) /);
});

test.each([["text"], ["--json"]])(
  "nothing that a client sends writes lines or commands into the log: %s",
  async (form) => {
    const words = form === "text" ? [] : [form];
    await using server = await startServer(["-vv", "--frame=json", "--stats", ...words, "cat"]);
    const encoded = encodeURIComponent(evil);
    const raw = Buffer.from(evil.replaceAll(/[\r\n\0]/g, "")).toString("latin1");
    const requests = [
      upgradeRequest(`/${encoded}`),
      upgradeRequest(`/room/${encoded}`),
      upgradeRequest(`/%1b%5b31m?${encoded}`),
      upgradeRequest(`/${raw}`),
      upgradeRequest(`/a%20b?${raw}`),
      upgradeRequest("/a%20b", { "User-Agent": raw, Origin: raw, Host: raw }),
      upgradeRequest("/room", { "Sec-WebSocket-Key": raw }),
      upgradeRequest("/room", { "Sec-WebSocket-Protocol": raw }),
      upgradeRequest("/room", { "Sec-WebSocket-Version": raw }),
      `GET /${encoded} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
      `${raw} / HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    ];
    await Promise.all(requests.map((request) => exchange(server.port, Buffer.from(request, "latin1"))));
    await using client = await join(server, `room/${encoded.replaceAll("%00", "")}?${encoded}`, {
      headers: { "User-Agent": "\u009b2J\t", Cookie: "\u009b31m" },
    });
    client.send(evil);
    client.send(Buffer.from(evil));
    client.send(JSON.stringify({ evil }));
    await client.messages(1);
    client.socket.close(1000, evil.slice(0, 40));
    await client.closed;
    const log = await wholeLog(server);

    // oxlint-disable-next-line no-control-regex
    expect(log).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]/);
    expect(log).not.toContain("forged");
    for (const line of linesOf(log)) expect(line).toMatch(form === "text" ? textLine : /^\{"level":"\w+","time":.*\}$/);
    expect(log).toMatch(/refused with 400/);
    expect(log).toMatch(/message dropped/);
  },
);

test("control characters that do get into the log are written as escapes", async () => {
  await using server = await startServer(["/no\u001b[31m\nsuch\u009b"]);
  await using client = await join(server, "room");
  await client.closed;

  expect(await wholeLog(server)).toContain("cannot start /no\\u001b[31m\\u000asuch\\u009b: ");
});

test("there are no colours when stderr is no terminal", async () => {
  const env = { FORCE_COLOR: "1", TERM: "xterm-256color", COLORTERM: "truecolor" };
  await using folder = await tempFolder();
  await using file = await open(folder.at("log"), "w");
  const child = spawn(process.execPath, [bin, "--addr", "127.0.0.1:0", "cat"], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", file.fd],
  });
  await until(async () => (await readFile(folder.at("log"), "utf8")).includes("<room>"), "the server to listen");
  child.kill();
  await once(child, "exit");
  const [toPipe, toFile] = [await logOfOneMessage(["-vv"], env), await readFile(folder.at("log"), "utf8")];

  expect(toPipe).not.toContain("\u001b");
  expect(toFile).not.toContain("\u001b");
  for (const line of linesOf(toPipe + toFile)) expect(line).toMatch(textLine);
});

test("a server whose log nobody reads any more goes on", async () => {
  await using server = await startServer(["-vv", "cat"]);
  server.child.stderr?.destroy();
  await using first = await join(server, "room");
  first.send("hello");
  expect(await first.messages(1)).toEqual(["hello"]);
  await using second = await join(server, "another");
  second.send("hello");
  expect(await second.messages(1)).toEqual(["hello"]);

  expect(await server.stop()).toBe(0);
});

test.each(["text", "json"])("lines are left out only while stderr cannot be written, and counted: %s", async (form) => {
  await using folder = await tempFolder();
  const path = folder.at("stderr");
  execFileSync("mkfifo", [path]);
  const first = readPipe(path);
  await using stderr = await open(path, "w");
  const logger = spawn(process.execPath, ["--expose-gc", logLines, form], {
    stdio: ["pipe", "pipe", stderr.fd],
  }) as ChildProcessByStdio<Writable, Readable, null>;
  const answers = createInterface(logger.stdout)[Symbol.asyncIterator]();
  const log = async (lines: number): Promise<number> => {
    logger.stdin.write(`${lines}\n`);
    return Number((await answers.next()).value);
  };
  const burst = 5000;
  const usedBefore = await log(burst);
  await until(() => linesOf(first.text()).length === burst, "all lines while there is a reader");
  first.child.kill();
  await first.ended;
  const usedAfter = await log(2 * burst);
  // From here on there is a reader, however long the next one takes to start.
  const held = await open(path, "r");
  const second = readPipe(path);
  await log(1);
  await held.close();
  logger.stdin.end();
  await once(logger, "exit");
  await stderr.close();
  await second.ended;
  const lines = linesOf(second.text());
  const [, left] = /(\d+) lines were left out of the log/.exec(lines.at(-2) ?? "") ?? [];

  expect(usedAfter - usedBefore).toBeLessThan(4 * 1024 ** 2);
  // The line that has found a reader is there.
  expect(lines.at(-1)).toMatch(/\b1 x+/);
  expect(lines.length).toBeGreaterThan(2);
  expect(lines.length - 2 + Number(left)).toBe(2 * burst);
});

/** Reads a pipe that has a name, in a process of its own. */
function readPipe(path: string) {
  const child = spawn("cat", [path], { stdio: ["ignore", "pipe", "ignore"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  return { child, text: () => text, ended: once(child, "close") };
}

function linesOf(log: string): string[] {
  return log.trimEnd().split("\n");
}
