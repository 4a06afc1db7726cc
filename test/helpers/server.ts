import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync } from "node:fs";
import { Socket } from "node:net";
import { finished } from "node:stream/promises";
import { ProcessCalls } from "../../src/process/process-calls.ts";
import { bin } from "./bin.ts";
import { until } from "./until.ts";

/** The process that is to listen is told to be so by its own pid, which is not known before. */
const asActivated: readonly string[] = ["sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh"];

/** The built program, run as a user would run it, on a free port of the loopback interface. */
export interface TestServer extends AsyncDisposable {
  /** The first one that it listens on; 0 where there is none. */
  readonly port: number;
  readonly pid: number;
  readonly child: ChildProcess;
  /** All that it has written to stderr so far. */
  log(): string;
  http(path: string, init?: RequestInit): Promise<Response>;
  /** Asks it to stop, and resolves to its exit code; the log is whole then. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** Resolves to its exit code when it ends by itself; the log is whole then. */
  exited(): Promise<number | null>;
}

export interface RunOptions {
  /** Where it listens, in place of a free port of the loopback interface. */
  readonly addresses?: readonly string[];
  /** Tells it, as systemd does, that its extra descriptors are sockets to listen on. */
  readonly passesSockets?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Descriptors from 3 on that it inherits; "ignore" leaves a gap. */
  readonly extraDescriptors?: readonly (number | "ignore")[];
  /** Makes its stderr a pipe as in a shell, where Node's own are socket pairs, which nobody can open by name. */
  readonly hasPipeAsStderr?: boolean;
  /** Makes it the leader of a process group, as a shell does with what is started in a terminal. */
  readonly leadsGroup?: boolean;
  /** Called when its process runs, and need not listen yet. */
  readonly whileStarting?: (pid: number, log: () => string) => Promise<void>;
}

/** Starts the built program with these words and waits until it listens. Stops it when the scope ends. */
export async function startServer(words: readonly string[], options: RunOptions = {}): Promise<TestServer> {
  const pipe = options.hasPipeAsStderr ? new ProcessCalls().pipe() : undefined;
  const addresses = (options.addresses ?? ["127.0.0.1:0"]).flatMap((address) => ["--addr", address]);
  const run = [process.execPath, bin, ...addresses, ...words];
  const [program = "", ...args] = options.passesSockets ? [...asActivated, ...run] : run;
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    detached: options.leadsGroup ?? false,
    stdio: ["ignore", "pipe", pipe?.writeEnd ?? "pipe", ...(options.extraDescriptors ?? [])],
  });
  if (pipe !== undefined) closeSync(pipe.writeEnd);
  const stderr = pipe === undefined ? child.stderr : new Socket({ fd: pipe.readEnd, readable: true, writable: false });
  const exit = once(child, "exit").then(([code]) => code as number | null);
  let log = "";
  stderr?.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  // What it wrote last may still be in the pipe when it is gone.
  const logEnd = stderr === null ? undefined : finished(stderr).catch(() => undefined);
  const exited = async (): Promise<number | null> => {
    await logEnd;
    return exit;
  };
  await options.whileStarting?.(child.pid as number, () => log);
  await until(
    () => /listening on \S+[^]*\n/.test(log) || child.exitCode !== null,
    () => `the server to listen: ${log}`,
  );
  if (child.exitCode !== null) await exited();
  if (!log.includes("listening on ")) throw new Error(`the server did not start: ${log}`);
  const port = Number(/listening on (?!unix:)\S+:(\d+)/.exec(log)?.[1] ?? 0);
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> => {
    child.kill(signal);
    return exited();
  };
  return {
    port,
    pid: child.pid as number,
    child,
    log: () => log,
    http: (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init),
    stop,
    exited,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      // SIGTERM would close rooms one by one.
      await Promise.race([stop("SIGINT"), forceAfter(child)]);
    },
  };
}

/** Runs the built program to its end, as for `--help` or a usage error. */
export async function runToEnd(
  words: readonly string[],
  options: RunOptions = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [bin, ...words], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const [code] = await once(child, "close");
  return { code: code as number | null, stdout, stderr };
}

/** A program that ignores everything keeps the server for its whole `--killgrace`; a test need not wait for that. */
async function forceAfter(child: ChildProcess): Promise<void> {
  const killSecond = setTimeout(() => child.kill("SIGTERM"), 500);
  await once(child, "exit");
  clearTimeout(killSecond);
}
