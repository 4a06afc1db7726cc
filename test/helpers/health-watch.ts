import { spawn } from "node:child_process";
import { once } from "node:events";
import { programPath } from "./programs.ts";
import type { TestServer } from "./server.ts";

/** How long answers of `/health` have taken, as far as that is the server's doing. */
export interface HealthTimes {
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly worstMs: number;
  readonly count: number;
  /** What was answered in place of all being well. */
  readonly failures: readonly string[];
}

/** Asks servers for `/health` again and again, in turn, from a process of its own. */
export class HealthWatch implements AsyncDisposable {
  readonly #servers: readonly TestServer[];
  readonly #probe;
  #output = "";

  constructor(...servers: readonly TestServer[]) {
    this.#servers = servers;
    const words = [programPath("health-probe.mjs"), ...servers.map(({ port, pid }) => `${port}:${pid}`)];
    this.#probe = spawn(process.execPath, words, { stdio: ["pipe", "pipe", "inherit"] });
    this.#probe.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#output += text;
    });
  }

  /** How many answers there were of each server so far. */
  get count(): number {
    return Math.floor(linesOf(this.#output).length / this.#servers.length);
  }

  /** Stops, and resolves to the times of each server. */
  async end(): Promise<HealthTimes[]> {
    const closed = once(this.#probe, "close");
    this.#probe.stdin.end();
    await closed;
    const answers = linesOf(this.#output).map((line) => JSON.parse(line) as Answer);
    return this.#servers.map(({ port }) => summary(answers.filter((answer) => answer.port === port)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#probe.exitCode !== null || this.#probe.signalCode !== null) return;
    this.#probe.kill("SIGKILL");
    await once(this.#probe, "close");
  }
}

interface Answer {
  readonly port: number;
  readonly ms: number;
  readonly body: string;
}

/** Those that have come to their end. */
function linesOf(output: string): string[] {
  return output.split("\n").slice(0, -1);
}

function summary(answers: readonly Answer[]): HealthTimes {
  const sorted = answers.map(({ ms }) => ms).toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN);
  return {
    medianMs: at(0.5),
    p95Ms: at(0.95),
    worstMs: at(1),
    count: sorted.length,
    failures: answers.flatMap(({ body }) => (body === '{"status":"ok"}' ? [] : [body])),
  };
}
