import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, readdirSync, readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { runInNewContext, Script } from "node:vm";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { join, type TestClient } from "../helpers/client.ts";
import { startServer, type TestServer } from "../helpers/server.ts";
import { until } from "../helpers/until.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

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

const page = read("examples/chat/public/index.html");

test("every example has a short README and a line in the table of examples", () => {
  const table = read("examples/README.md");
  expect(folders).toEqual(expect.arrayContaining(["chat", "counter", "dice", "hello", "tcp-echo"]));
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

test("npm start is the command that the README of chat spells out", () => {
  expect(block("chat", "sh").trimEnd()).toBe("npm start");
  expect(block("chat", "sh", 1).trimEnd()).toBe(commandOf("chat"));
});

test("the chat page is one short file that needs nothing from elsewhere", () => {
  expect(lineCount(page)).toBeLessThan(200);
  expect(page.match(/\bhttps?:|\bwss?:|["'(`]\/\/|@import|\burl\(|\bsrc\b|\bimport\b|\bfetch\b/g)).toBeNull();
  expect(Array.from(page.matchAll(/href="([^"]*)"/g), ([, address]) => address)).toEqual(["data:,"]);
});

test("the chat page puts in what people write as text only", () => {
  expect(page.match(/innerHTML|outerHTML|insertAdjacentHTML|setHTML|document\.write|DOMParser|\beval\b/gi)).toBeNull();
  expect(page).toContain("textContent");
});

test("the chat page connects to the room of its fragment on its own host, and comes back", () => {
  const [, script = ""] = /<script[^>]*>(.*)<\/script>/s.exec(page) ?? [];
  expect(() => new Script(script)).not.toThrow();
  expect(script).toMatch(/location\.hash.*"lobby"/);
  expect(script).toContain('location.protocol.replace("http", "ws")}//${location.host}/${encodeURIComponent(room)}');
  expect(script).toMatch(/Math\.random\(\).*setTimeout\(connect,/s);
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
  const port = await freePort();
  await using server = await startExample("tcp-echo", { SCALESOCKET_TCPPORTS: `${port}:${port}` });
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
    // oxlint-disable-next-line no-await-in-loop
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

/** Runs the first command of the README from the top folder, on a free port. */
async function startExample(folder: string, env: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  const [program, script, ...words] = commandOf(folder).split(" ");
  expect([program, script]).toEqual(["node", "bin/scalesocket.js"]);
  return startServer(words, { cwd: root, env });
}

function commandOf(folder: string): string {
  const command = block(folder, "sh").trimEnd();
  const resolved = command === "npm start" ? JSON.parse(read("package.json")).scripts.start : command;
  // Words are told apart by spaces here, so there must be nothing that only a shell understands.
  expect(resolved).toMatch(/^[\w./= -]+$/);
  return resolved;
}

/** A code block of a README, the first of its language by default. */
function block(folder: string, language: string, index = 0): string {
  const blocks = Array.from(readme(folder).matchAll(/^```(\w+)\n(.*?)^```$/gms)).filter(([, is]) => is === language);
  const content = blocks[index]?.[2];
  if (content === undefined) throw new Error(`examples/${folder}/README.md has too few ${language} blocks`);
  return content;
}

function roomOf(folder: string): string {
  const room = /ws:\/\/localhost:9000\/(\S+)/.exec(readme(folder))?.[1];
  if (room === undefined) throw new Error(`examples/${folder}/README.md names no room`);
  return room;
}

function readme(folder: string): string {
  return read(`examples/${folder}/README.md`);
}

function read(path: string): string {
  return readFileSync(root + path, "utf8");
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

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
