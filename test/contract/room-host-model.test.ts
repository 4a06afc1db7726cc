import { existsSync, readFileSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import {
  type Arbitrary,
  array,
  assert as holds,
  asyncProperty,
  boolean,
  constantFrom,
  nat,
  oneof,
  record,
  constant,
} from "fast-check";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { type HostKind, openHost, type OpenHost } from "../helpers/hosts.ts";
import { allGone, isAlive, workersOf } from "../helpers/processes.ts";
import { programPath } from "../helpers/programs.ts";
import { tempFolder, type TempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";

const rooms = ["a", "b", "c"] as const;
type Room = (typeof rooms)[number];

/** What happens next; `which` chooses among those that are there then. */
type Action =
  | { readonly kind: "join" | "exit" | "crash"; readonly room: Room }
  | { readonly kind: "leave"; readonly which: number; readonly isSudden: boolean }
  | { readonly kind: "killWorker"; readonly which: number }
  | { readonly kind: "turn" | "settle" };

const room = constantFrom(...rooms);
const which = nat({ max: 100 });

const join = record({ kind: constant("join" as const), room });
const other: readonly Arbitrary<Action>[] = [
  join,
  record({ kind: constantFrom("exit" as const, "crash" as const), room }),
  record({ kind: constant("leave" as const), which, isSudden: boolean() }),
  record({ kind: constant("leave" as const), which, isSudden: boolean() }),
  record({ kind: constantFrom("turn" as const, "settle" as const) }),
];
const killWorker = record({ kind: constant("killWorker" as const), which });

const hosts: readonly (readonly [string, HostKind, number])[] = [
  ["this process", "local", 20],
  ["one worker", 1, 8],
  ["two workers", 2, 10],
];

test.each(hosts)(
  "rooms in %s have one process each, and nobody is forgotten, whatever happens in which order",
  async (_, kind, numRuns) => {
    const action = oneof(join, ...other, ...(kind === "local" ? [] : [killWorker]));
    const story = array(action, { minLength: 10, maxLength: 30, size: "max" });
    await holds(
      asyncProperty(story, boolean(), async (actions, isDrained) => {
        await using folder = await tempFolder();
        const words = ["sh", "--", programPath("one-per-room.sh"), folder.path];
        await using open = await openHost(kind, words);
        const run = new Run(open, folder);
        // One after the other is the point of it.
        for (const each of actions) await run.act(each);
        if (isDrained) await run.drain();
        else await run.settle();
        await run.leaveAll();
      }),
      { numRuns, endOnFailure: true },
    );
  },
  60_000,
);

/** A client, and what the model knows of it. */
class Client {
  readonly room: Room;
  readonly socket: WebSocket;
  readonly heard: string[] = [];
  /** Nothing has happened since it came that would close it. */
  isSafe: boolean;
  hasLeft = false;
  state: "coming" | "open" | "closed" = "coming";
  refusedWith: number | undefined;

  constructor(port: number, name: Room, isSafe: boolean) {
    this.room = name;
    this.isSafe = isSafe;
    this.socket = new WebSocket(`ws://127.0.0.1:${port}/${name}`);
    this.socket.on("open", () => {
      this.state = "open";
    });
    this.socket.on("unexpected-response", (request, response) => {
      this.refusedWith = response.statusCode;
      this.state = "closed";
      request.destroy();
    });
    this.socket.on("message", (data: Buffer) => this.heard.push(data.toString()));
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => {
      this.state = "closed";
    });
  }

  /** The pid of the process that has answered this. */
  answerTo(text: string): number | undefined {
    const line = this.heard.find((each) => each.endsWith(` ${text}`));
    return line === undefined ? undefined : Number(line.split(" ")[0]);
  }
}

/** One story on one host, and the model beside it. */
class Run {
  readonly #open: OpenHost;
  readonly #folder: TempFolder;
  readonly #clients: Client[] = [];
  /** Rooms whose process was told to end, and may not have heard it yet. */
  readonly #doomed = new Set<Room>();
  readonly #killedWorkers = new Set<number>();
  #isDraining = false;
  #isOver = false;
  #lostWorkers = 0;
  #lastQuestion = 0;

  constructor(open: OpenHost, folder: TempFolder) {
    this.#open = open;
    this.#folder = folder;
  }

  get #present(): Client[] {
    return this.#clients.filter(({ hasLeft }) => !hasLeft);
  }

  async act(action: Action): Promise<void> {
    switch (action.kind) {
      case "join":
        this.#join(action.room);
        break;
      case "exit":
      case "crash":
        this.#tell(action.room, action.kind);
        break;
      case "leave":
        this.#leave(action);
        break;
      case "killWorker":
        this.#killWorker(action.which);
        break;
      case "turn":
        await turn();
        break;
      case "settle":
        await this.settle();
        break;
    }
  }

  #join(name: Room): void {
    const isSafe = !this.#doomed.has(name) && this.#lostWorkers === this.#killedWorkers.size;
    this.#clients.push(new Client(this.#open.port, name, isSafe));
  }

  /** Whoever is there is answered by a process that lives, the same for all of a room, or is closed. */
  async settle(): Promise<void> {
    const clients = this.#present;
    await until(
      () => clients.every(({ state }) => state !== "coming"),
      () => `${clients.filter(({ state }) => state === "coming").length} clients to be let in\n${this.#open.log()}`,
    );
    this.#lastQuestion += 1;
    const question = (index: number): string => `question-${this.#lastQuestion}-of-${index}`;
    clients.forEach(({ state, socket }, index) => {
      if (state === "open") socket.send(question(index));
    });
    const isForgotten = (client: Client, index: number): boolean =>
      client.state === "open" && client.answerTo(question(index)) === undefined;
    await until(
      () => !clients.some(isForgotten),
      () => `clients that hear nothing: ${clients.filter(isForgotten).length}\n${this.#open.log()}`,
    );
    for (const name of rooms) {
      const pids = clients.flatMap((client, index) =>
        client.state === "open" && client.room === name ? [client.answerTo(question(index))] : [],
      );
      // A room whose process was told to end, or whose worker dies, may be between two.
      const isSafe = clients.every((client) => client.room !== name || client.isSafe);
      if (isSafe) expect(new Set(pids).size, `processes of room ${name}`).toBeLessThanOrEqual(1);
      if (isSafe) expect(pids.every((pid) => pid !== undefined && isAlive(pid))).toBe(true);
    }
    for (const client of clients) this.#checkSafe(client);
    this.#checkAlone();
    await this.#forgive();
  }

  /** Whoever comes from now on has nothing to do with what is over. */
  async #forgive(): Promise<void> {
    const states = await Promise.all(
      [...this.#doomed].map(async (name) => ({ name, state: await this.#open.host.find(name) })),
    );
    for (const { name, state } of states) if (state === undefined) this.#doomed.delete(name);
    this.#lostWorkers = (await this.#open.host.figures()).workersLost;
  }

  /** All are told, those who come now are refused, and then nothing is left. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    this.#isOver = true;
    const drained = this.#open.host.drain();
    const late = new Client(this.#open.port, "a", false);
    await drained;
    await until(
      () => late.state === "closed" && this.#present.every(({ state }) => state === "closed"),
      "all to be told",
    );
    expect(late.refusedWith).toBe(503);
    await allGone(this.#pids());
    await this.#allToldOnce();
    this.#checkAlone();
  }

  /** Whoever was let through to the host is said to be gone, once. */
  async #allToldOnce(): Promise<void> {
    const { requests, gone } = this.#open;
    await until(
      () => gone.length >= requests.length,
      () => `${requests.length} clients to be said to be gone, ${gone.length} are\n${this.#open.log()}`,
    );
    const ids = requests.map(({ connectionId }) => connectionId);
    expect([...gone].toSorted((a, b) => a - b)).toEqual(ids);
  }

  /** Nobody is there any more, and nothing of anybody is. */
  async leaveAll(): Promise<void> {
    this.#isOver = true;
    for (const { socket } of this.#clients) socket.terminate();
    await until(() => this.#clients.every(({ state }) => state === "closed"), "all clients to be closed");
    await until(
      async () => (await this.#open.host.list()).length === 0,
      () => `all rooms to be closed\n${this.#open.log()}`,
    );
    await allGone(this.#pids());
    await this.#allToldOnce();
    this.#checkAlone();
  }

  /** The clients of the room, and those who come meanwhile, may be closed with its process, or may not. */
  #tell(name: Room, what: "exit" | "crash"): void {
    const sender = this.#present.find((client) => client.room === name && client.state === "open");
    if (sender === undefined) return;
    sender.socket.send(what);
    this.#doomed.add(name);
    for (const client of this.#clients) if (client.room === name) client.isSafe = false;
  }

  #leave({ which: index, isSudden }: Action & { kind: "leave" }): void {
    const present = this.#present;
    const client = present[index % Math.max(1, present.length)];
    if (client === undefined) return;
    client.hasLeft = true;
    if (isSudden) client.socket.terminate();
    else client.socket.close();
  }

  #killWorker(index: number): void {
    const workers = workersOf(process.pid);
    const pid = workers[index % Math.max(1, workers.length)];
    if (pid === undefined) return;
    process.kill(pid, "SIGKILL");
    this.#killedWorkers.add(pid);
    // Clients come back as soon as they can, which is while their old process may still be there.
    for (const client of this.#present) {
      if (client.state === "open") client.socket.once("close", () => this.#comeBack(client));
    }
    for (const client of this.#clients) client.isSafe = false;
  }

  #comeBack(client: Client): void {
    if (!client.hasLeft && !this.#isOver) this.#join(client.room);
  }

  #checkSafe(client: Client): void {
    if (client.refusedWith !== undefined) expect(this.#isDraining, `refused with ${client.refusedWith}`).toBe(true);
    if (client.isSafe && !this.#isDraining) expect(client.state, `a client of ${client.room}`).toBe("open");
  }

  #checkAlone(): void {
    const path = this.#folder.at("two-at-once");
    expect(existsSync(path) ? readFileSync(path, "utf8") : "", "rooms with two processes at once").toBe("");
  }

  #pids(): number[] {
    const path = this.#folder.at("pids");
    return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n").map(Number) : [];
  }
}
