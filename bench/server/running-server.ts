import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { Children } from "./children.ts";
import { fillIn, type Target, type Wrapped } from "./target.ts";

const host = "127.0.0.1";
const startTimeoutMs = 10_000;
const stopTimeoutMs = 15_000;
const answerTimeoutMs = 5000;
const retryMs = 5;
const keptLogCharacters = 4000;
const probe = new URL("probe.js", import.meta.url).href;

export interface StartOptions {
  /** Variables of the server's environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether `ask` is wanted; Node servers only. */
  readonly hasProbe?: boolean;
  /** Told of each line that it says on stdout or stderr. */
  readonly onLogLine?: (line: string) => void;
}

/** A server that listens, in a process of its own. */
export class RunningServer {
  readonly host = host;
  readonly port: number;
  /** From the start of its process until it accepted connections. */
  readonly startMs: number;
  readonly #child: ChildProcess;
  readonly #log: () => string;

  private constructor(child: ChildProcess, port: number, startMs: number, log: () => string) {
    this.#child = child;
    this.port = port;
    this.startMs = startMs;
    this.#log = log;
  }

  /** @throws where it does not listen in time. */
  static async start(
    target: Target,
    wrapped: Wrapped,
    children: Children,
    options: StartOptions = {},
  ): Promise<RunningServer> {
    const port = await freePort();
    const { environment = {}, hasProbe = false } = options;
    const probeOptions = { NODE_OPTIONS: `${process.env["NODE_OPTIONS"] ?? ""} --import=${probe}` };
    const startedAtMs = performance.now();
    const child = children.spawn("sh", ["-c", `exec ${fillIn(target.command, `${host}:${port}`, wrapped)}`], {
      env: { ...process.env, ...environment, ...(hasProbe ? probeOptions : {}) },
      stdio: ["ignore", "pipe", "pipe", ...(hasProbe ? (["ipc"] as const) : [])],
    });
    const log = keepLog(child);
    if (options.onLogLine !== undefined) tellLines(child, options.onLogLine);
    await listening(child, port, log);
    return new RunningServer(child, port, performance.now() - startedAtMs, log);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get isRunning(): boolean {
    return !hasExited(this.#child);
  }

  /** The end of what it has said on stdout and stderr. */
  get log(): string {
    return this.#log();
  }

  /** Asks the probe that was loaded into the server. @throws where there is none. */
  async ask(question: string): Promise<unknown> {
    if (!this.#child.connected) throw new Error("the server cannot be looked into: it is no program for Node");
    this.#child.send(question);
    try {
      const [message] = await once(this.#child, "message", { signal: AbortSignal.timeout(answerTimeoutMs) });
      return (message as { answer: unknown }).answer;
    } catch (error) {
      throw new Error("the server cannot be looked into: its probe does not answer", { cause: error });
    }
  }

  /** Asks it to stop and resolves to its exit code; null if it had to be killed. */
  async stop(): Promise<number | null> {
    const child = this.#child;
    if (hasExited(child)) return child.exitCode;
    const exit = once(child, "exit");
    // SIGTERM would close rooms one after the other.
    child.kill("SIGINT");
    const timer = setTimeout(() => child.kill("SIGKILL"), stopTimeoutMs);
    await exit;
    clearTimeout(timer);
    return child.exitCode;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function keepLog(child: ChildProcess): () => string {
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      log = (log + text).slice(-keptLogCharacters);
    });
  }
  return () => log;
}

function tellLines(child: ChildProcess, onLine: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on("line", onLine);
  }
}

/** A server may say so, or simply accept a connection: whichever is noticed first. */
async function listening(child: ChildProcess, port: number, log: () => string): Promise<void> {
  const over = new AbortController();
  try {
    await Promise.race([saysSo(child), acceptsSoon(port, over.signal), failsToStart(child, over.signal)]);
  } catch (error) {
    child.kill("SIGKILL");
    throw new Error(`the server did not start: ${error instanceof Error ? error.message : String(error)}\n${log()}`, {
      cause: error,
    });
  } finally {
    over.abort();
  }
}

async function saysSo(child: ChildProcess): Promise<void> {
  await new Promise<void>((resolve) => {
    const onText = (text: string): void => {
      if (/listening/i.test(text)) resolve();
    };
    child.stdout?.on("data", onText);
    child.stderr?.on("data", onText);
  });
}

async function acceptsSoon(port: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    if (await accepts(port)) return;
    await sleep(retryMs);
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, host);
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function failsToStart(child: ChildProcess, signal: AbortSignal): Promise<never> {
  const timeout = AbortSignal.timeout(startTimeoutMs);
  const [code] = await once(child, "exit", { signal: AbortSignal.any([signal, timeout]) });
  throw new Error(`it ended with exit code ${code}`);
}

function hasExited(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
