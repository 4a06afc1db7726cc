import { setTimeout as sleep } from "node:timers/promises";
import { messageOf } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { SocketCalls } from "./socket-calls.ts";
import type { SystemdVariables } from "./variables.ts";

const microsecondsPerMs = 1000;
/** So often within the time that is allowed, since one sign of life may come late. */
const signsPerTimeout = 2;
/** Before what a busy manager had no place for is tried again. */
const retryMs = 50;
/** How long the end of the server waits for a manager that does not read. */
const closeTimeoutMs = 1000;

/** Tells the service manager how the server is (sd_notify(3)). Where nobody wants to know, it does nothing. */
export class Notifier {
  readonly #socket: string | undefined;
  readonly #logger: Logger;
  readonly #signMs: number | undefined;
  #state: "starting" | "ready" | "stopping" = "starting";
  #status = "";
  #calls: Promise<SocketCalls> | undefined;
  #sending: Promise<void> = Promise.resolve();
  #isSignUnderWay = false;
  #isOver = false;
  #hasFailed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(variables: SystemdVariables, pid: number, logger: Logger) {
    this.#socket = variables.NOTIFY_SOCKET || undefined;
    this.#signMs = signIntervalMs(variables, pid);
    this.#logger = logger;
  }

  /** The server takes clients. From now on there are signs of life, if the manager wants them, while the event loop turns. */
  ready(status: string): void {
    this.#state = "ready";
    this.#status = status;
    this.#tellReady();
    if (this.#signMs !== undefined) this.#timer ??= setInterval(() => void this.#giveSign(), this.#signMs).unref();
  }

  /** Has settings read again, and tells when that begins and ends. */
  async whileReloading(reload: () => Promise<void>): Promise<void> {
    const nowUs = process.hrtime.bigint() / BigInt(microsecondsPerMs);
    if (this.#state === "ready") this.#send("RELOADING=1", `MONOTONIC_USEC=${nowUs}`, "STATUS=reloading");
    await reload();
    if (this.#state === "ready") this.#tellReady();
  }

  stopping(): void {
    this.#state = "stopping";
    this.#send("STOPPING=1", "STATUS=shutting down");
  }

  /** Resolves when all that was told is under way, or after a second where nobody takes it. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    const limit = setTimeout(() => {
      this.#isOver = true;
    }, closeTimeoutMs);
    await this.#sending;
    clearTimeout(limit);
  }

  #tellReady(): void {
    this.#send("READY=1", `STATUS=${this.#status}`);
  }

  /** One that waits is as good as many. */
  async #giveSign(): Promise<void> {
    if (this.#isSignUnderWay) return;
    this.#isSignUnderWay = true;
    this.#send("WATCHDOG=1");
    await this.#sending;
    this.#isSignUnderWay = false;
  }

  #send(...lines: readonly string[]): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    const text = lines.map((line) => `${line.replaceAll("\n", " ")}\n`).join("");
    // One after the other: what is told last holds.
    this.#sending = this.#sending.then(async () => this.#deliver(socket, text));
  }

  async #deliver(socket: string, text: string): Promise<void> {
    try {
      this.#calls ??= loadCalls();
      const calls = await this.#calls;
      while (!calls.send(socket, text)) {
        if (this.#isOver) throw new Error("it does not read");
        // One try after the other, until there is a place: there is nothing that could be waited for at once.
        // oxlint-disable-next-line no-await-in-loop
        await sleep(retryMs);
      }
    } catch (error) {
      if (this.#hasFailed) return;
      this.#hasFailed = true;
      this.#logger.warn(`the service manager cannot be told how the server is: ${messageOf(error)}`);
    }
  }
}

/** Loaded only where somebody wants to know. */
async function loadCalls(): Promise<SocketCalls> {
  const module = await import("./socket-calls.ts");
  return new module.SocketCalls();
}

/** How often the manager is to hear from the process with this pid; undefined where it does not want to. */
function signIntervalMs({ WATCHDOG_USEC, WATCHDOG_PID }: SystemdVariables, pid: number): number | undefined {
  if (WATCHDOG_USEC === undefined || !/^[1-9]\d{0,14}$/.test(WATCHDOG_USEC)) return undefined;
  if (WATCHDOG_PID !== undefined && WATCHDOG_PID !== String(pid)) return undefined;
  return Math.max(Number(WATCHDOG_USEC) / microsecondsPerMs / signsPerTimeout, 1);
}
