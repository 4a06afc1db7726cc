import { setTimeout as sleep } from "node:timers/promises";
import type { FuzzOptions } from "../cli/fuzz-options.ts";
import { Violations } from "../observed/violations.ts";
import type { Children } from "../server/children.ts";
import { attack } from "./attacker.ts";
import { type Configuration, configurations } from "./configurations.ts";
import { type Conversation, conversation } from "./conversations.ts";
import { FuzzedServer } from "./fuzzed-server.ts";
import { keepCase, type KeptCase, keptCases } from "./kept-cases.ts";

const attackers = 8;
const checkEveryMs = 500;
/** So many conversations come before holdings are noted, so that code is loaded and the heap has grown. */
const warmUpCount = 1000;
/** Which of the last ones did harm is found out by sending half of them again, then half of that half, and so on. */
const suspectCount = 64;

interface Run {
  readonly options: FuzzOptions;
  readonly folder: string;
  readonly children: Children;
  readonly violations: Violations;
}

/** Sends what was kept, then random conversations, to one configuration of the server after the other. Prints as it goes. */
export async function runFuzz(
  options: FuzzOptions,
  folder: string,
  children: Children,
  violations: Violations,
): Promise<void> {
  const run = { options, folder, children, violations };
  const chosen = configurations.filter(({ name }) => options.configurations.includes(name));
  const kept = keptCases(folder);
  for (const configuration of chosen) {
    // One server at a time: each is to have the machine for itself.
    await sendKept(run, configuration, kept);
    if (options.seconds > 0) await fuzz(run, configuration, (options.seconds * 1000) / chosen.length);
  }
}

async function sendKept(run: Run, configuration: Configuration, kept: readonly KeptCase[]): Promise<void> {
  const own = kept.filter((each) => each.configuration === configuration.name);
  for (const { name, conversations } of own) {
    // What is wrong is to be said of the case that it is of.
    const wrong = await harmOf(run, configuration, conversations);
    if (wrong !== undefined) run.violations.add(`${configuration.name}: ${name} does harm again: ${wrong}`);
  }
  if (own.length > 0) process.stdout.write(`${configuration.name}: ${own.length} kept cases were sent\n`);
}

async function fuzz(run: Run, configuration: Configuration, forMs: number): Promise<void> {
  const { options, children, violations } = run;
  const own = new Violations();
  const server = await FuzzedServer.start(configuration, children, own, options.command);
  const barrage = new Barrage(server, configuration, options.seed, own);
  try {
    await bombard(server, barrage, own, forMs);
  } catch (error) {
    own.add(`${String(error)}; the server ${server.isRunning ? "runs" : "has ended"}`);
  }
  await server.discard();
  process.stdout.write(`${configuration.name}: ${barrage.sent} conversations, ${own.count} violations\n`);
  if (own.count === 0) return;
  process.stdout.write(String(own));
  for (const text of own.texts) violations.add(`${configuration.name}: ${text}`);
  await keepCulprits(run, configuration, barrage.sent, own.texts[0] ?? "");
}

/** Lets the conversations of a seed loose on a server, and checks what is left of it. */
async function bombard(server: FuzzedServer, barrage: Barrage, violations: Violations, forMs: number): Promise<void> {
  await barrage.until(() => barrage.sent >= warmUpCount);
  if (server.isRunning) await server.noteHoldings();
  const endMs = performance.now() + forMs;
  const isOver = (): boolean => performance.now() >= endMs || violations.count > 0 || !server.isRunning;
  await Promise.all([barrage.until(isOver), watch(server, isOver)]);
  await server.finish();
}

async function watch(server: FuzzedServer, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await server.check();
    await sleep(checkEveryMs);
  }
}

/** Several connections at once, each with the next conversation of the seed. */
class Barrage {
  sent = 0;
  readonly #server: FuzzedServer;
  readonly #configuration: Configuration;
  readonly #seed: number;
  readonly #violations: Violations;

  constructor(server: FuzzedServer, configuration: Configuration, seed: number, violations: Violations) {
    this.#server = server;
    this.#configuration = configuration;
    this.#seed = seed;
    this.#violations = violations;
  }

  async until(isOver: () => boolean): Promise<void> {
    const send = async (): Promise<void> => {
      while (!isOver() && this.#server.isRunning) {
        const index = this.sent;
        this.sent += 1;
        const next = conversation(this.#configuration, this.#seed, index);
        const wrong = await attack(this.#server.host, this.#server.port, next);
        if (wrong !== undefined) this.#violations.add(`conversation ${index}: ${wrong}`);
      }
    };
    await Promise.all(Array.from({ length: attackers }, send));
    if (!this.#server.isRunning) this.#violations.add("the server has ended");
  }
}

/** Keeps as few of the last conversations as do the harm again, or all of them where they do not. */
async function keepCulprits(run: Run, configuration: Configuration, sent: number, because: string): Promise<void> {
  const first = Math.max(0, sent - suspectCount);
  let suspects = Array.from({ length: sent - first }, (_, index) =>
    conversation(configuration, run.options.seed, first + index),
  );
  let wrong: string | undefined;
  for (;;) {
    const half = await harmfulHalf(run, configuration, suspects);
    if (half === undefined) break;
    suspects = half.conversations;
    wrong = half.wrong;
  }
  report(run, keepCase(run.folder, configuration.name, suspects, wrong ?? because));
}

/** The half of several conversations that does harm without the other; undefined where neither does. */
async function harmfulHalf(
  run: Run,
  configuration: Configuration,
  conversations: readonly Conversation[],
): Promise<{ conversations: Conversation[]; wrong: string } | undefined> {
  if (conversations.length < 2) return undefined;
  const middle = Math.ceil(conversations.length / 2);
  for (const half of [conversations.slice(middle), conversations.slice(0, middle)]) {
    const wrong = await harmOf(run, configuration, half);
    if (wrong !== undefined) return { conversations: half, wrong };
  }
  return undefined;
}

function report({ folder, violations }: Run, name: string | undefined): void {
  violations.add(name === undefined ? "the conversations are too large to be kept" : `kept as ${folder}/${name}`);
}

/** Sends conversations at once to a new server, and resolves to the first harm that they do. */
async function harmOf(
  { children, options }: Run,
  configuration: Configuration,
  conversations: readonly Conversation[],
): Promise<string | undefined> {
  const own = new Violations();
  const server = await FuzzedServer.start(configuration, children, own, options.command);
  try {
    const wrong = await Promise.all(conversations.map((each) => attack(server.host, server.port, each)));
    await server.finish();
    return wrong.find((each) => each !== undefined) ?? own.texts[0];
  } catch (error) {
    return own.texts[0] ?? String(error);
  } finally {
    await server.discard();
  }
}
