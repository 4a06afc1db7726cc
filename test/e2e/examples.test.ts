import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { runInNewContext, Script } from "node:vm";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { join, refusal, type TestClient } from "../helpers/client.ts";
import { block, commandIn, commandOf, read, readme, root, startExample } from "../helpers/examples.ts";
import { freePorts } from "../helpers/ports.ts";
import { allGone } from "../helpers/processes.ts";
import { hasScript } from "../helpers/script.ts";
import type { TestServer } from "../helpers/server.ts";
import { until } from "../helpers/until.ts";

const folders = readdirSync(`${root}examples`, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);

const programs = folders.flatMap((folder) =>
  readdirSync(`${root}examples/${folder}`, { withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== "README.md")
    .map(({ name }) => `examples/${folder}/${name}`),
);

const hasPython = spawnSync("python3", ["--version"]).status === 0;
if (!hasPython) console.warn("python3 is not installed, so the counter example is not tested");

if (!hasScript) console.warn("script of util-linux is not installed, so the terminal example is not tested");

const page = pageOf("chat");

/** As the page of the terminal makes them up. */
const secretRoom = "0123456789abcdef0123456789abcdef";

const foldersWithPage = folders.filter((folder) => existsSync(root + pagePath(folder)));

test("every example has a short README and a line in the table of examples", () => {
  const table = read("examples/README.md");
  expect(folders).toEqual(
    expect.arrayContaining(["chat", "counter", "dice", "game", "hello", "tcp-echo", "terminal", "whiteboard"]),
  );
  for (const folder of folders) {
    expect(table).toContain(`[${folder}](${folder}/)`);
    expect(lineCount(readme(folder))).toBeLessThan(50);
  }
});

test.each(programs)("%s can be executed and has at most 40 lines", (program) => {
  accessSync(root + program, constants.X_OK);
  expect(read(program)).toMatch(/^#!\/\S+/);
  expect(lineCount(read(program))).toBeLessThanOrEqual(40);
});

test("hello is the script of the quick start and nothing else", () => {
  expect(read("examples/hello/example.sh").split("\n")).toEqual([
    "#!/bin/bash",
    `echo '{"message": "hello world"}'`,
    "sleep 1",
    `echo '{"message": "goodbye"}'`,
    "sleep 1",
    "",
  ]);
});

test("hello answers the curl call of its README with its two messages", async () => {
  await using server = await startExample("hello");
  const call = block("hello", "sh", 1);
  const headers = Array.from(call.matchAll(/--header "([^"]+)"/g), ([, header]) => header);
  const path = /http:\/\/localhost:9000(\/\S+)/.exec(call)?.[1];
  const socket = connect(server.port, "127.0.0.1");
  let answer = "";
  socket.setEncoding("latin1").on("data", (text: string) => {
    answer += text;
  });
  socket.write([`GET ${path} HTTP/1.1`, "Host: localhost", ...headers, "", ""].join("\r\n"));
  await until(
    () => answer.includes("goodbye"),
    () => `the last message: ${answer}\n${server.log()}`,
  );
  socket.destroy();

  expect(answer).toMatch(/^HTTP\/1\.1 101 /);
  expect(answer.match(/\{"message[^}]*\}/g)).toEqual([`{"message": "hello world"}`, `{"message": "goodbye"}`]);
});

test("hello lets the JavaScript of its README print what the README says", async () => {
  await using server = await startExample("hello");
  const snippet = block("hello", "js");
  const printed: string[] = [];
  const expected = block("hello", "text").trimEnd().split("\n");
  expect(snippet).toContain("//localhost:9000/");
  runInNewContext(snippet.replace("//localhost:9000/", `//127.0.0.1:${server.port}/`), {
    WebSocket,
    console: { log: (line: string) => printed.push(line) },
  });

  await until(
    () => printed.length >= expected.length,
    () => `${expected.length} lines, got ${printed.join(", ")}\n${server.log()}`,
  );
  expect(printed).toEqual(expected);
});

test("chat serves its page at / and carries the messages of a room", async () => {
  await using server = await startExample("chat");
  const response = await server.http("/");
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(await response.text()).toBe(page);

  await using session = new Session(server, "lobby");
  await session.replay(block("chat", "text"));
  await using elsewhere = await join(server, "tea-time");
  elsewhere.send("another room");
  expect(await elsewhere.messages(1)).toEqual(["another room"]);
  session.expectNothingElse();
});

test.each([
  ["chat", "npm start"],
  ["terminal", "npm run terminal"],
])("the README of %s spells out what %s is", (folder, script) => {
  expect(commandIn(folder, 0)).toBe(script);
  expect(commandIn(folder, 1)).toBe(commandOf(folder));
});

test("there are pages to look at", () => {
  expect(foldersWithPage).toEqual(expect.arrayContaining(["chat", "game", "terminal", "whiteboard"]));
});

test.each(foldersWithPage)("the page of %s is one short file that needs nothing from elsewhere", (folder) => {
  const vendored =
    folder === "terminal" ? /import \{ Terminal \} from ".\/vendor\/xterm.mjs";|"vendor\/xterm.css"/g : /$^/g;
  const text = pageOf(folder).replaceAll(vendored, '""');
  expect(lineCount(text)).toBeLessThan(320);
  expect(text.match(/\bhttps?:|\bwss?:|["'(`]\/\/|@import|\burl\(|\bsrc\b|\bimport\b|\bfetch\b/g)).toBeNull();
  expect(Array.from(text.matchAll(/href="([^"]+)"/g), ([, address]) => address)).toEqual(["data:,"]);
});

test.each(foldersWithPage)("the page of %s puts in what people write as text only", (folder) => {
  const text = pageOf(folder);
  expect(text.match(/innerHTML|outerHTML|insertAdjacentHTML|setHTML|document\.write|DOMParser|\beval\b/gi)).toBeNull();
  expect(text).toContain("textContent");
});

test.each(foldersWithPage)("the page of %s comes back after waits that grow, and at random", (folder) => {
  expect(pageOf(folder)).toMatch(/2 \*\* failures\).*Math\.random\(\).*setTimeout\(connect,/s);
});

test("the chat page connects to the room of its fragment on its own host", () => {
  const [, script = ""] = /<script[^>]*>(.*)<\/script>/s.exec(page) ?? [];
  expect(() => new Script(script)).not.toThrow();
  expect(script).toMatch(/location\.hash[^;]*;\s*const name = .*"lobby"/);
  expect(script).toContain('location.protocol.replace("http", "ws")}//${location.host}/${encodeURIComponent(room)}');
});

test("the chat page has a label for each field and says its state", () => {
  const fields = Array.from(page.matchAll(/<input id="(\w+)"[^>]*>/g), ([tag, id]) => ({ tag, id }));
  expect(fields).toHaveLength(2);
  for (const { tag, id } of fields) {
    expect(tag.includes("aria-label=") || page.includes(`<label for="${id}">`)).toBe(true);
  }
  expect(page).toContain('role="status"');
  expect(page).toContain('role="log"');
});

test("dice tells everyone the sum, and the single dice only to who rolled", async () => {
  await using server = await startExample("dice");
  await using session = new Session(server, roomOf("dice"), withoutLuck);
  await session.replay(block("dice", "text"));
  session.expectNothingElse();
});

test("dice adds up, and stays within its sides", async () => {
  await using server = await startExample("dice");
  await using ann = await join(server, "table");
  for (let roll = 1; roll <= 20; roll += 1) ann.send(JSON.stringify({ roll, sides: 3 }));
  const answers = (await ann.messages(40)).map((text) => JSON.parse(String(text)));
  for (let roll = 1; roll <= 20; roll += 1) {
    const [own, all] = answers.splice(0, 2);
    expect(own.dice).toHaveLength(roll);
    expect(own.dice.every((die: number) => [1, 2, 3].includes(die))).toBe(true);
    expect(all).toEqual({ player: 1, roll, sides: 3, sum: sumOf(own.dice) });
  }
});

test("dice answers bad requests in private and goes on", async () => {
  await using server = await startExample("dice");
  await using ann = await join(server, "table");
  await using ben = await join(server, "table");
  const requests = ["{}", `{"roll":0}`, `{"roll":21}`, `{"roll":1.5}`, `{"roll":null}`, `{"roll":1,"sides":101}`];
  for (const request of requests) ben.send(request);
  ben.send(`{"roll":"\u2028"}`);
  ben.send(`{"roll":1}`);

  const answers = (await ben.messages(9)).map((text) => JSON.parse(String(text)));
  for (const answer of answers.slice(0, 7)) expect(answer).toEqual({ id: 2, error: expect.stringMatching(/must be/) });
  expect(answers[7]).toEqual({ id: 2, dice: [expect.any(Number)] });
  expect(await ann.messages(1)).toEqual([ben.received[8]]);
});

test.skipIf(!hasPython)("counter shows the total to everyone, also to who joins", async () => {
  await using server = await startExample("counter");
  await using session = new Session(server, roomOf("counter"));
  await session.replay(block("counter", "text"));
  session.expectNothingElse();
});

test.skipIf(!hasPython)("counter takes no notice of what is no number, and counts for each room", async () => {
  await using server = await startExample("counter");
  await using ann = await join(server, "a");
  await using ben = await join(server, "b");
  ann.send("7");
  const noNumbers = ["", "seven", "1.5", "++", "1 2", "1_0", "٣", "9".repeat(5000), Buffer.from([0xff, 0xfe])];
  for (const noNumber of noNumbers) ann.send(noNumber);
  ann.send(" +1 ");

  expect(await ann.messages(3 + noNumbers.length)).toEqual(["0", "7", ...noNumbers.map(() => "7"), "8"]);
  ben.send("-");
  expect(await ben.messages(2)).toEqual(["0", "-1"]);
});

test("tcp-echo says everything again in upper case, and ends when its clients have left", async () => {
  const { range } = await freePorts(1);
  await using server = await startExample("tcp-echo", { SCALESOCKET_TCPPORTS: range });
  {
    await using session = new Session(server, roomOf("tcp-echo"));
    await session.replay(block("tcp-echo", "text"));
    session.expectNothingElse();
  }
  await until(
    () => server.log().includes("process exited with code 0"),
    () => `the process to end: ${server.log()}`,
  );
});

test("whiteboard shows everyone what is drawn, and who joins later what was drawn", async () => {
  await using server = await startExample("whiteboard");
  await using session = new Session(server, roomOf("whiteboard"));
  await session.replay(block("whiteboard", "text"));
  session.expectNothingElse();
});

test("whiteboard keeps the drawing while nobody is there, and also that it was cleared", async () => {
  await using server = await startExample("whiteboard");
  const dot = { key: "a1", color: 0, width: 14, line: [1, 2] };
  {
    await using ann = await join(server, "board");
    ann.send(JSON.stringify(dot));
    ann.send(JSON.stringify({ clear: true }));
    ann.send(JSON.stringify({ ...dot, key: "a2" }));
    await ann.messages(4);
  }
  await until(
    () => server.log().includes("process exited with code 0"),
    () => `the process to end: ${server.log()}`,
  );
  await using ben = await join(server, "board");
  expect((await ben.messages(4)).map((text) => JSON.parse(String(text)))).toEqual([
    { ...dot, _cache: true },
    { clear: true, _cache: true },
    { ...dot, key: "a2", _cache: true },
    { people: 1 },
  ]);
});

test("whiteboard passes on nothing that cannot be drawn", async () => {
  await using server = await startExample("whiteboard");
  await using ann = await join(server, "board");
  const dot = { key: "k", color: 6, width: 400, line: [-400, 4400] };
  const bad = [
    {},
    { join: 7 },
    { leave: 1 },
    { people: 99 },
    { clear: "yes" },
    { ...dot, key: "<b>" },
    { ...dot, key: "k".repeat(33) },
    { ...dot, key: { toString: 1, valueOf: 1 } },
    { ...dot, key: ["k"] },
    { ...dot, color: 7 },
    { ...dot, color: "red" },
    { ...dot, width: 0 },
    { ...dot, width: 401 },
    { ...dot, line: [] },
    { ...dot, line: [1] },
    { ...dot, line: [1, 2, 3] },
    { ...dot, line: [1, 4401] },
    { ...dot, line: [1, "2"] },
    { ...dot, line: [1, null] },
    { ...dot, line: { length: 2 } },
    { ...dot, line: Array.from({ length: 402 }, () => 1) },
  ];
  for (const message of bad) ann.send(JSON.stringify(message));
  ann.send(JSON.stringify({ ...dot, _to: 99, _close: 4000, more: "\u2028" }));

  expect((await ann.messages(2)).map((text) => JSON.parse(String(text)))).toEqual([
    { people: 1 },
    { ...dot, _cache: true },
  ]);
  ann.send(JSON.stringify({ clear: true }));
  expect(await ann.messages(3)).toHaveLength(3);
});

test.skipIf(!hasScript)("terminal is a shell on a terminal of 80 columns and 24 rows, shared by a room", async () => {
  await using server = await startExample("terminal");
  await using ann = await join(server, secretRoom, { origin: originOf(server) });
  ann.send("stty size; echo $((6*7))\r");
  await shown(ann, /24 80\r\n42\r\n/);
  await using ben = await join(server, secretRoom, { origin: originOf(server) });
  await shown(ben, /24 80\r\n42\r\n/);
  ben.send("echo $((7*8))\r");
  await shown(ann, /56\r\n/);
  // Only what says so itself is in the foreground for sure.
  ann.send("sh -c 'echo runs=$((1+1)); exec sleep 1000'\r");
  await shown(ben, /runs=2\r\n/);
  ben.send("\x03");
  ben.send("echo code=$?\r");
  await shown(ann, /code=130\r\n/);
  ann.send("exit\r");
  expect(await ann.closed).toEqual({ code: 1000, reason: "" });
});

test.skipIf(!hasScript)("terminal says with which code the shell ended", async () => {
  await using server = await startExample("terminal");
  await using ann = await join(server, secretRoom, { origin: originOf(server) });
  ann.send("exit 3\r");
  expect(await ann.closed).toEqual({ code: 1011, reason: "process exited with code 3" });
});

/** Services have none, or an empty one. */
const shells = ["", "/bin/bash"];

const whenClosed = "terminal ends the shell, and what runs in it, when its last page is closed: SHELL=%s";
test.skipIf(!hasScript).each(shells)(whenClosed, async (shell) => {
  await using server = await startExample("terminal", { SHELL: shell });
  const pids: number[] = [];
  {
    await using ann = await join(server, secretRoom, { origin: originOf(server) });
    ann.send("sleep 1000 & sh -c 'echo pids=$PPID,'$!',$$.; exec sleep 1001'\r");
    pids.push(...(await shown(ann, /pids=(\d+),(\d+),(\d+)\./)).slice(1).map(Number));
  }
  expect(pids).toHaveLength(3);
  await allGone(pids);
});

const wayDown = ["the page is closed", "the server is stopped", "the server is killed"] as const;
test.skipIf(!hasScript).each(wayDown)(
  "terminal ends what runs in the background of an idle bash when %s",
  async (way) => {
    await using server = await startExample("terminal", { SHELL: "/bin/bash" });
    await using ann = await join(server, secretRoom, { origin: originOf(server) });
    // The next command is read only after the prompt has come, so the shell is idle.
    ann.send("sleep 1000 & echo pids=$$,$!.\r");
    const [, ...pids] = await shown(ann, /pids=(\d+),(\d+)\./);
    ann.send("PS1=idle=$((1+1)).\r");
    await shown(ann, /idle=2\./);
    if (way === "the page is closed") ann.socket.close();
    else await server.stop(way === "the server is killed" ? "SIGKILL" : "SIGINT");
    await allGone(pids.map(Number));
  },
);

test("terminal is for pages of its own server only", async () => {
  await using server = await startExample("terminal");
  const own = originOf(server);
  const foreign = "http://example.com";
  const rebound = `${foreign}:${server.port}`;
  const refused = [
    await refusal(server, secretRoom, { origin: foreign }),
    await refusal(server, secretRoom, { origin: own.replace("http:", "https:") }),
    await refusal(server, secretRoom, { origin: rebound, headers: { host: new URL(rebound).host } }),
  ];
  expect(refused.map(({ status, body }) => `${status} ${body}`)).toEqual([
    `403 pages from ${foreign} may not connect to this server\n`,
    expect.stringMatching(/^403 pages from https:.* may not connect to this server\n$/),
    expect.stringMatching(/^403 example\.com is not among the hosts/),
  ]);
  await using client = await join(server, secretRoom, { origin: own });
  expect(client.socket.readyState).toBe(client.socket.OPEN);
});

test("the command of terminal listens on the loopback interface only", () => {
  expect(commandOf("terminal")).toContain(" --addr 127.0.0.1:9000 --sameorigin ");
});

test("game is run as version 0.2 was, and tells each player its id alone", async () => {
  expect(commandOf("game")).toContain(" --compat 0.2 --json ");
  await using server = await startExample("game");
  await using session = new Session(server, roomOf("game"));
  await session.replay(block("game", "text"));
});

test("game lets everyone see everyone move, with at most 20 messages a second each", async () => {
  await using server = await startExample("game");
  await using ann = await join(server, "garden");
  await using ben = await join(server, "garden");
  await using cem = await join(server, "garden");
  const everyone = [ann, ben, cem];
  await until(() => everyone.every((client) => statesOf(client).at(-1)?.players.length === 3), "all three to be there");
  const [before] = statesOf(cem).slice(-1);
  const times: number[] = [];
  cem.socket.on("message", () => times.push(performance.now()));
  const counts = everyone.map((client) => statesOf(client).length);
  for (const [index, client] of everyone.entries()) {
    const x = (before?.players[index]?.x ?? 0) < 500 ? 1 : -1;
    client.socket.on("message", () => client.send(JSON.stringify({ t: "Go", x, y: 0 })));
  }
  await until(
    () => everyone.every((client, index) => statesOf(client).length >= (counts[index] ?? 0) + 20),
    () => `20 turns: ${server.log()}`,
  );

  const gapsMs = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  const [usualMs = 0] = gapsMs.toSorted((a, b) => a - b).slice(gapsMs.length / 2);
  expect(usualMs).toBeGreaterThan(35);
  const playersOf = (client: TestClient): GameState["players"] => statesOf(client).at(-1)?.players ?? [];
  const hasMoved = ({ x }: { x: number }, index: number): boolean =>
    Math.abs(x - (before?.players[index]?.x ?? 0)) > 60;
  await until(() => everyone.every((client) => playersOf(client).every(hasMoved)), "all to have moved for all");
  for (const client of everyone) {
    expect(playersOf(client).map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(playersOf(client).map(({ y }) => y)).toEqual(before?.players.map(({ y }) => y));
  }
});

test("game makes it who is caught, and counts for the others", async () => {
  await using server = await startExample("game");
  await using ann = await join(server, "garden");
  await until(() => statesOf(ann).at(-1)?.it === 1, "Ann to be it");
  await using ben = await join(server, "garden");
  ann.socket.on("message", (data) => {
    const { players = [] } = JSON.parse((data as Buffer).toString()) as Partial<GameState>;
    const [me, other] = players;
    if (me !== undefined && other !== undefined) {
      ann.send(JSON.stringify({ t: "Go", x: other.x - me.x, y: other.y - me.y }));
    }
  });
  await until(() => statesOf(ben).at(-1)?.it === 2, "Ben to be it");
  await until(() => (statesOf(ben).at(-1)?.players[0]?.score ?? 0) > 0, "points for Ann");
  expect(ann.received.map((text) => JSON.parse(String(text))).filter(({ t }) => t === "You")).toEqual([
    { t: "You", _to: 1, size: 1000, radius: 30 },
  ]);
});

test("game lets nobody be faster, elsewhere or somebody else, and goes on without who has left", async () => {
  await using server = await startExample("game");
  await using ann = await join(server, "garden");
  {
    await using ben = await join(server, "garden");
    await until(() => statesOf(ben).at(-1)?.players.length === 2, "both to be there");
    const bad = [
      {},
      { t: "Join", x: 1 },
      { t: "Go" },
      { t: "Go", x: "a", y: {} },
      { t: "Go", x: null, y: 0 },
      { t: "Go", x: { valueOf: 1, toString: 1 }, y: 0 },
    ];
    for (const message of bad) ann.send(JSON.stringify(message));
    ann.send('{"t":"Go","x":1e999,"y":0}');
    ann.send(JSON.stringify({ t: "Leave", _from: 2 }));
    ann.send(JSON.stringify({ t: "Join", _from: 3 }));
    ann.send(JSON.stringify({ t: "Go", x: 1e9, y: -1e9, _from: 2 }));
    const count = statesOf(ben).length;
    await until(() => statesOf(ben).length > count + 10, "ten more turns");
    expect(
      statesOf(ben)
        .at(-1)
        ?.players.map(({ id }) => id)
        .toSorted(),
    ).toEqual([1, 2]);
  }
  await until(() => statesOf(ann).at(-1)?.players.length === 1, "Ben to be gone");
  for (const state of statesOf(ann)) {
    for (const { x, y } of state.players) {
      expect(Math.min(x, y)).toBeGreaterThanOrEqual(30);
      expect(Math.max(x, y)).toBeLessThanOrEqual(970);
    }
  }
});

interface GameState {
  readonly t: string;
  readonly it: number;
  readonly players: readonly { readonly id: number; readonly x: number; readonly y: number; readonly score: number }[];
}

/** All turns of the game that a client has seen so far. */
function statesOf(client: TestClient): GameState[] {
  const messages = client.received.map((text) => JSON.parse(String(text)) as GameState);
  return messages.filter(({ t }) => t === "State");
}

/** Waits until a terminal has shown this. */
async function shown(client: TestClient, pattern: RegExp): Promise<RegExpExecArray> {
  let found: RegExpExecArray | null = null;
  await until(
    () => (found = pattern.exec(screenOf(client))) !== null,
    () => `${pattern}: ${screenOf(client)}`,
  );
  return found as unknown as RegExpExecArray;
}

function screenOf(client: TestClient): string {
  return client.received.map(String).join("");
}

function originOf(server: TestServer): string {
  return `http://127.0.0.1:${server.port}`;
}

/** Plays what a README shows: `Ann joins`, `Ann > what Ann sends`, `Ann < what Ann receives`. */
class Session implements AsyncDisposable {
  readonly #server: TestServer;
  readonly #room: string;
  readonly #shape: (message: string) => string;
  readonly #players = new Map<string, { client: TestClient; seen: number }>();

  /** Messages are compared in the shape that `shape` gives them. */
  constructor(server: TestServer, room: string, shape = (message: string) => message) {
    this.#server = server;
    this.#room = room;
    this.#shape = shape;
  }

  async replay(session: string): Promise<void> {
    // One step after the other, as people would do.
    for (const step of session.trimEnd().split("\n")) await this.#play(step);
  }

  expectNothingElse(): void {
    for (const { client, seen } of this.#players.values()) expect(client.received).toHaveLength(seen);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Array.from(this.#players.values(), ({ client }) => client[Symbol.asyncDispose]()));
  }

  async #play(step: string): Promise<void> {
    const [, name = "", verb, message = ""] = /^(\w+) (joins$|> |< )(.*)$/.exec(step) ?? [];
    if (verb === "joins") {
      this.#players.set(name, { client: await join(this.#server, this.#room), seen: 0 });
      return;
    }
    const player = this.#players.get(name);
    if (player === undefined) throw new Error(`who is to do this, or what? ${step}`);
    if (verb === "> ") {
      player.client.send(message);
      return;
    }
    player.seen += 1;
    const received = await player.client.messages(player.seen);
    expect(`${name} < ${this.#shape(String(received[player.seen - 1]))}`).toBe(`${name} < ${this.#shape(message)}`);
  }
}

function roomOf(folder: string): string {
  const room = /ws:\/\/localhost:9000\/(\S+)/.exec(readme(folder))?.[1];
  if (room === undefined) throw new Error(`examples/${folder}/README.md names no room`);
  return room;
}

function pagePath(folder: string): string {
  return `examples/${folder}/public/index.html`;
}

function pageOf(folder: string): string {
  return read(pagePath(folder));
}

function lineCount(text: string): number {
  return text.trimEnd().split("\n").length;
}

function withoutLuck(message: string): string {
  return message.replaceAll(/(?<="dice":\[[\d,]*)\d+|(?<="sum":)\d+/g, "N");
}

function sumOf(dice: readonly number[]): number {
  let sum = 0;
  for (const die of dice) sum += die;
  return sum;
}
