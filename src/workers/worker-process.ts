import type { ChildProcess, SendHandle } from "node:child_process";
import { closeSync } from "node:fs";
import type { Readable } from "node:stream";
import { ServerError } from "../errors.ts";
import type { HostSettings } from "../host/host-settings.ts";
import type { CounterValues } from "../room/counters.ts";
import type { DrainPlan } from "../room/drain-plan.ts";
import type { DescriptorPassing } from "./descriptor-passing.ts";
import { type Arrival, HandOver } from "./hand-over.ts";
import type { FromWorker, LogWishes, Question, Questions, Report, ToWorker } from "./messages.ts";
import { notStarted, startWorker } from "./start-worker.ts";

const startTimeoutMs = 10_000;
const answerTimeoutMs = 2000;
/** How long a worker whose event loop hangs is waited for. */
const hangMs = 10_000;
const lookMs = 1000;
/** How long the guardian of a worker that has ended may take to end what is left; it needs about a second. */
const guardianTimeoutMs = 5000;

/** What a {@link WorkerProcess} tells. */
export interface WorkerProcessEvents {
  onReport(report: Report): void;
  onTakePort(): Promise<number | undefined>;
  onReleasePort(port: number): void;

  /** A client is not let in: the worker has no descriptor left for it, or takes nobody any more. */
  onRefused(arrival: Arrival): void;

  /** The worker has ended. Those who were on their way and did not get there are given back. */
  onExit(how: string, stranded: readonly Arrival[]): void;

  /** The worker has ended, and whatever it had started is gone too. Comes once, as the last. */
  onGone(): void;
}

/** One worker, as the supervisor sees it. */
export class WorkerProcess {
  readonly startedAt = performance.now();
  /** What its rooms had done when it last told; all that is known of it once it has ended. */
  lastCounters: CounterValues | undefined;
  readonly #child: ChildProcess;
  readonly #events: WorkerProcessEvents;
  readonly #ready: Promise<void>;
  #onReady: (error?: ServerError) => void = () => undefined;
  #state: "starting" | "running" | "exited" = "starting";
  /** Our end of the channel that descriptors are passed through, if there is one. */
  readonly #channel: number | undefined;
  readonly #handOver: HandOver;
  readonly #asked = new Map<number, (answer: unknown) => void>();
  #lastQuestionId = 0;
  #heardAt = performance.now();
  #lookedAt = performance.now();
  /** Since when this process was not held up itself for long. */
  #awakeAt = performance.now();
  readonly #watch: NodeJS.Timeout;
  readonly #life: Readable | undefined;
  #goneTimer: NodeJS.Timeout | undefined;
  #isLifeOver = false;

  /**
   * The events come in later turns of the event loop. Without passing, Node hands over one client at a time.
   * @throws ServerError ERR_WORKER where there are no descriptors for it.
   */
  constructor(events: WorkerProcessEvents, passing?: DescriptorPassing) {
    const { child, channel, life } = startWorker(passing);
    this.#child = child;
    this.#channel = channel;
    this.#events = events;
    this.#ready = new Promise((resolve, reject) => {
      this.#onReady = (error) => (error === undefined ? resolve() : reject(error));
    });
    this.#handOver = new HandOver({
      send: (message, handle) => this.#send(message, handle),
      passDescriptor:
        channel === undefined ? undefined : (descriptor, id) => passing?.send(channel, descriptor, id) === true,
      onRefused: (arrival) => events.onRefused(arrival),
    });
    this.#child.on("message", (message) => this.#onMessage(message as FromWorker));
    // Node's own protocol of handing over.
    this.#child.on("internalMessage", ({ cmd }: { readonly cmd: string }) => {
      if (cmd === "NODE_HANDLE_ACK") this.#handOver.arrived(1);
      else if (cmd === "NODE_HANDLE_NACK") this.#handOver.failed();
    });
    this.#child.on("error", (error) => this.#onError(error));
    this.#child.on("exit", (code, signal) => this.#onExit(signal ?? `exit code ${code}`));
    life?.on("error", () => undefined);
    life?.on("close", () => this.#onLifeOver());
    life?.resume();
    this.#life = life;
    this.#watch = setInterval(() => this.#look(), lookMs).unref();
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Whether it has started, and does what it is told. */
  get isReady(): boolean {
    return this.#state === "running";
  }

  /** How many clients wait to be handed over. */
  get waiting(): number {
    return this.#handOver.waiting;
  }

  /** Resolves when the worker can take clients. @throws ServerError with the worker's own reason, or ERR_WORKER. */
  async start(settings: HostSettings, logs: LogWishes): Promise<void> {
    const timer = setTimeout(() => this.#onReady(notStarted("it took too long")), startTimeoutMs);
    this.#send({ type: "start", settings, logs });
    try {
      await this.#ready;
    } catch (error) {
      this.kill();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Hands a client over, behind those that came before. */
  admit(arrival: Arrival): void {
    this.#handOver.admit(arrival);
  }

  /** Refuses those who wait, and have not been handed over. */
  refuseWaiting(): void {
    this.#handOver.refuseWaiting();
  }

  /** Asks the worker; undefined when it does not answer in time. */
  async ask<Name extends Question>(
    question: Name,
    about: Questions[Name]["about"],
  ): Promise<Questions[Name]["answer"] | undefined> {
    if (this.#state !== "running") return undefined;
    this.#lastQuestionId += 1;
    const id = this.#lastQuestionId;
    this.#send({ type: "ask", id, question, about });
    const answer = await new Promise<unknown>((resolve) => {
      const timer = setTimeout(resolve, answerTimeoutMs);
      this.#asked.set(id, (value) => {
        clearTimeout(timer);
        resolve(value);
      });
    });
    this.#asked.delete(id);
    return answer as Questions[Name]["answer"] | undefined;
  }

  /** Tells the worker that clients may come. */
  open(): void {
    this.#send({ type: "open" });
  }

  /** Tells a worker that is ready that nobody new comes. */
  retire(plan: DrainPlan): void {
    if (this.#state === "running") this.#send({ type: "retire", plan });
  }

  closeRoom(room: string, plan: DrainPlan): void {
    this.#send({ type: "close", room, plan });
  }

  /** Asks a worker that is ready to end in order. Its exit follows. */
  drain(plan: DrainPlan): void {
    if (this.#state === "running") this.#send({ type: "drain", plan });
  }

  /** Ends the worker's rooms at once. */
  killRooms(): void {
    this.#send({ type: "kill" });
  }

  /** Ends the worker at once, and with it its rooms. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }

  #send(message: ToWorker, handle?: SendHandle): void {
    if (this.#child.connected) this.#child.send(message, handle, {}, () => undefined);
  }

  #onMessage(message: FromWorker): void {
    this.#heardAt = performance.now();
    switch (message.type) {
      case "ready":
        this.#state = "running";
        this.#handOver.open();
        this.#onReady();
        break;
      case "failed":
        this.#onReady(new ServerError(message.code, message.message));
        break;
      case "report":
        this.#events.onReport(message.report);
        this.#handOver.arrived(message.report.arrived ?? 0, message.report.notTaken);
        break;
      case "answer":
        this.#asked.get(message.id)?.(message.answer);
        break;
      case "takePort":
        void this.#givePort(message.id);
        break;
      case "releasePort":
        this.#events.onReleasePort(message.port);
        break;
      case "beat":
        this.lastCounters = message.counters;
        // Whatever the system did not take, it may take now.
        this.#handOver.proceed();
        break;
    }
  }

  async #givePort(id: number): Promise<void> {
    this.#send({ type: "port", id, port: (await this.#events.onTakePort()) ?? null });
  }

  /** A supervisor that was itself held up for long cannot tell who hangs. */
  #look(): void {
    const now = performance.now();
    if (now - this.#lookedAt > 2 * lookMs) this.#awakeAt = now;
    this.#lookedAt = now;
    // Beats may come while clients do not arrive: Node waits for ever for one whose handle the system did not take.
    const heardAt = Math.min(this.#heardAt, this.#handOver.stuckSince ?? now);
    if (now - Math.max(heardAt, this.#awakeAt) > hangMs) this.kill();
  }

  /** Where there was no process at all, this is its end. What cannot be sent was for one whose exit follows. */
  #onError(error: Error): void {
    if (this.#child.pid === undefined) this.#onExit(error.message);
  }

  #onExit(how: string): void {
    this.#state = "exited";
    clearInterval(this.#watch);
    this.#onReady(notStarted(how));
    if (this.#channel !== undefined) closeSync(this.#channel);
    for (const answer of this.#asked.values()) answer(undefined);
    this.#events.onExit(how, this.#handOver.close());
    if (this.#isLifeOver || this.#child.pid === undefined) this.#events.onGone();
    // A guardian that stands still would keep the pipe open, and with it the supervisor from ending.
    else this.#goneTimer = setTimeout(() => this.#life?.destroy(), guardianTimeoutMs);
  }

  /** Nothing of the worker is left once it has exited too. */
  #onLifeOver(): void {
    if (this.#isLifeOver) return;
    this.#isLifeOver = true;
    clearTimeout(this.#goneTimer);
    if (this.#state === "exited") this.#events.onGone();
  }
}
