import type { HostSettings } from "../host/host-settings.ts";
import type { RefusalLog } from "../host/refusal-log.ts";
import type { Logger } from "../logger.ts";
import { messageOf } from "../errors.ts";
import { PortPool } from "../process/ports.ts";
import { type DrainPlan, drainAtOnce } from "../room/drain-plan.ts";
import { Counters, type CounterValues, sumCounters } from "../room/counters.ts";
import { loadDescriptorPassing } from "./descriptor-passing.ts";
import type { Arrival } from "./hand-over.ts";
import { LentPorts } from "./lent-ports.ts";
import type { Report } from "./messages.ts";
import { WorkerProcess, type WorkerProcessEvents } from "./worker-process.ts";

/** A worker that has run for that long is started again at once when it ends, and others after a growing wait. */
const longLifeMs = 10_000;
const firstWaitMs = 100;
const longestWaitMs = 10_000;
/** How long rooms may take to end at once before their worker is ended with them. */
const killTimeoutMs = 1000;

/** What a {@link Crew} tells of its workers. */
export interface CrewEvents {
  onReady(worker: WorkerProcess): void;
  onReport(worker: WorkerProcess, report: Report): void;

  /** A client is not let in: its worker has no descriptor left for it, or takes nobody any more. */
  onRefused(arrival: Arrival): void;

  /** The worker has ended, and its rooms with it. Those who did not get there yet are given back. */
  onExit(worker: WorkerProcess, stranded: readonly Arrival[]): void;

  /** Whatever the worker had started is gone too. */
  onGone(worker: WorkerProcess): void;
}

/** The workers of a server, by number: when one ends that was not asked to, another takes its place. */
export class Crew {
  readonly workers = new Map<number, WorkerProcess>();
  /** Workers that ended though nobody had asked them to. */
  lost = 0;
  /** What rooms of workers had done that are gone, as far as is known. */
  pastCounters: CounterValues = new Counters();
  readonly #settings: HostSettings;
  readonly #logger: Logger;
  readonly #refusals: RefusalLog;
  readonly #events: CrewEvents;
  readonly #ports: PortPool;
  readonly #passing = loadDescriptorPassing();
  /** Those of which something may be left. */
  readonly #left = new Set<WorkerProcess>();
  readonly #waitsMs = new Map<number, number>();
  readonly #restarts = new Map<number, NodeJS.Timeout>();
  /** "retiring": rooms are closed one after the other, and a worker that ends is not replaced any more. */
  #state: "starting" | "running" | "retiring" | "stopping" = "starting";
  #plan = drainAtOnce;
  #isOpen = false;
  #count = 0;
  #onAllGone: () => void = () => undefined;

  constructor(settings: HostSettings, logger: Logger, refusals: RefusalLog, events: CrewEvents) {
    this.#settings = settings;
    this.#logger = logger;
    this.#refusals = refusals;
    this.#events = events;
    this.#ports = new PortPool(settings.options.tcpPorts);
  }

  /** Resolves when all workers are ready. @throws ServerError, after all were ended again. */
  async start(count: number): Promise<void> {
    this.#count = count;
    const starts = Array.from({ length: count }, (_, number) => this.#start(number));
    try {
      await Promise.all(starts);
    } catch (error) {
      await this.stop();
      throw error;
    }
    this.#state = "running";
    // One may have ended while the others were still starting.
    for (let number = 0; number < count; number += 1) if (!this.workers.has(number)) this.#restart(number, 0);
  }

  /** Clients may come from now on. */
  open(): void {
    this.#isOpen = true;
    for (const worker of this.workers.values()) worker.open();
  }

  /** Nobody new comes from now on. */
  retire(plan: DrainPlan): void {
    this.#state = "retiring";
    this.#plan = plan;
    this.#forgetRestarts();
    for (const worker of this.workers.values()) worker.retire(plan);
  }

  /** Drains all workers, and resolves when nothing of them is left. */
  async stop(plan: DrainPlan = drainAtOnce): Promise<void> {
    this.#state = "stopping";
    this.#plan = plan;
    this.#forgetRestarts();
    for (const worker of this.workers.values()) worker.drain(plan);
    if (this.#left.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onAllGone = resolve;
    });
  }

  /** Refuses those who wait for a worker, and have not been handed over. */
  refuseWaiting(): void {
    for (const worker of this.workers.values()) worker.refuseWaiting();
  }

  #forgetRestarts(): void {
    for (const timer of this.#restarts.values()) clearTimeout(timer);
  }

  /** Ends all rooms at once, and workers that do not manage to. */
  kill(): void {
    // A server that is not stopped goes on with its workers: they may have new rooms soon, also where it is stopped by then.
    const isGoingOn = this.#state === "running";
    for (const worker of this.workers.values()) {
      worker.killRooms();
      if (!isGoingOn) setTimeout(() => worker.kill(), worker.isReady ? killTimeoutMs : 0).unref();
    }
  }

  async #start(number: number): Promise<void> {
    // What workers say while they start they all say, and of the same machine: once is enough.
    let isHeard = this.#state === "starting" && number === 0;
    const ports = new LentPorts(this.#ports);
    const events: WorkerProcessEvents = {
      onReport: (report) => this.#onReport(worker, isHeard ? report : { ...report, logs: [] }),
      onTakePort: () => ports.take(),
      onReleasePort: (port) => ports.release(port),
      onRefused: (arrival) => this.#events.onRefused(arrival),
      onExit: (how, stranded) => this.#onExit(number, worker, how, stranded),
      onGone: () => {
        ports.close();
        this.#onGone(worker);
      },
    };
    const worker = new WorkerProcess(events, this.#passing);
    this.workers.set(number, worker);
    this.#left.add(worker);
    const { isDebugging, isTracing } = this.#logger;
    await worker.start({ ...this.#settings, spares: this.#sparesOf(number) }, { isDebugging, isTracing });
    isHeard = true;
    this.#logger.trace(`worker ${number} is ready`, { pid: worker.pid });
    if (this.#isOpen) worker.open();
    if (this.#state === "stopping") worker.drain(this.#plan);
    else if (this.#state === "retiring") worker.retire(this.#plan);
    else this.#events.onReady(worker);
  }

  /** The share of one worker, where the first ones get one more if need be. */
  #sparesOf(number: number): number {
    const { spares } = this.#settings;
    return Math.floor(spares / this.#count) + (number < spares % this.#count ? 1 : 0);
  }

  #onReport(worker: WorkerProcess, report: Report): void {
    for (const [level, message, fields, isRefusal] of report.logs ?? []) {
      if (isRefusal === true) this.#refusals.note(level, message, () => fields?.address ?? "");
      else this.#logger[level](message, fields);
    }
    this.#events.onReport(worker, report);
  }

  #onExit(number: number, worker: WorkerProcess, how: string, stranded: readonly Arrival[]): void {
    this.workers.delete(number);
    if (worker.lastCounters !== undefined) {
      this.pastCounters = sumCounters([this.pastCounters, worker.lastCounters]);
    }
    this.#events.onExit(worker, stranded);
    if (this.#state !== "running" && this.#state !== "retiring") return;
    this.lost += 1;
    const next = this.#state === "running" ? ", and another one is started" : "";
    this.#logger.error(`worker ${number} ended (${how}): its rooms are closed${next}`, { pid: worker.pid });
    this.#restart(number, performance.now() - worker.startedAt);
  }

  /** Starts a worker in the place of one that has lived so long. */
  #restart(number: number, livedMs: number): void {
    if (this.#state === "retiring" || this.#state === "stopping") return;
    const start = async (): Promise<void> => {
      this.#restarts.delete(number);
      try {
        await this.#start(number);
      } catch (error) {
        this.#logger.error(messageOf(error));
        // Where there was a process, its exit has seen to the next one already.
        if (!this.workers.has(number) && !this.#restarts.has(number)) this.#restart(number, 0);
      }
    };
    this.#restarts.set(
      number,
      setTimeout(() => void start(), this.#nextWaitMs(number, livedMs)),
    );
  }

  #onGone(worker: WorkerProcess): void {
    this.#left.delete(worker);
    this.#events.onGone(worker);
    if (this.#state === "stopping" && this.#left.size === 0) this.#onAllGone();
  }

  /** None after a long life, and then longer and longer. */
  #nextWaitMs(number: number, livedMs: number): number {
    const before = livedMs > longLifeMs ? 0 : (this.#waitsMs.get(number) ?? 0);
    this.#waitsMs.set(number, Math.min(Math.max(2 * before, firstWaitMs), longestWaitMs));
    return before;
  }
}
