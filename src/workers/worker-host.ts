import { crc32 } from "node:zlib";
import type { Header } from "../answer-headers.ts";
import { RefusedError } from "../errors.ts";
import type { HostSettings, Surroundings } from "../host/host-settings.ts";
import { RefusalLog } from "../host/refusal-log.ts";
import { refuse } from "../host/refusal.ts";
import type { HostFigures, ProcessReport, RoomHost, WorkerFigures } from "../host/room-host.ts";
import type { JoinRequest } from "../join-request.ts";
import type { Logger } from "../logger.ts";
import { Admission } from "../room/admission.ts";
import { type CounterValues, sumCounters } from "../room/counters.ts";
import { describeDrain, type DrainPlan, drainAtOnce } from "../room/drain-plan.ts";
import { Gradually } from "../room/gradually.ts";
import { reportRooms } from "../room/room-report.ts";
import type { RoomFigures, RoomSummary } from "../room/room-summary.ts";
import type { Handshake } from "../websocket/websockets.ts";
import { Crew } from "./crew.ts";
import type { Arrival } from "./hand-over.ts";
import type { Report, WorkerState } from "./messages.ts";
import { Placement } from "./placement.ts";
import type { WorkerProcess } from "./worker-process.ts";

/** As many clients may wait to be handed over, for a worker, or for the end of what one has left behind. */
const maxWaiting = 4096;

const goingDown = "server is shutting down";

/** What the surroundings of all workers together may want to know or to give. */
type WorkerSurroundings = Pick<Surroundings, "onClientGone" | "refusals">;

/** Rooms that live in workers: this process only chooses whose room is whose. */
export class WorkerHost implements RoomHost {
  readonly #logger: Logger;
  readonly #refusals: RefusalLog;
  readonly #crew: Crew;
  readonly #placement = new Placement<WorkerProcess>();
  /** Rooms of workers that have ended, until their processes are gone too: there must never be two of one room. */
  readonly #ending = new Map<string, WorkerProcess>();
  #waiting: Arrival[] = [];
  /** Rooms that some of those who wait will open. */
  readonly #toOpen = new Set<string>();
  #state: "open" | "draining" = "open";
  #closing: Gradually<string> | undefined;
  /** Whether what is still to be closed is closed at once. */
  #isHurried = false;
  readonly #admission: Admission;
  readonly #workerCount: number;
  /** A history that outlives its room is kept by the worker, so that a name always leads to the same one. */
  readonly #isPlacedByName: boolean;
  readonly #headers: readonly Header[];

  readonly #onClientGone: (connectionId: number) => void;

  private constructor(workers: number, settings: HostSettings, logger: Logger, surroundings: WorkerSurroundings) {
    this.#onClientGone = surroundings.onClientGone ?? (() => undefined);
    this.#workerCount = workers;
    this.#admission = new Admission(settings.options);
    this.#isPlacedByName = settings.options.cachePersist;
    this.#headers = settings.options.headers;
    this.#logger = logger;
    this.#refusals = surroundings.refusals ?? new RefusalLog(logger);
    this.#crew = new Crew(settings, logger, this.#refusals, {
      onReady: (worker) => this.#onReady(worker),
      onReport: (worker, report) => this.#onReport(worker, report),
      // The worker tells of the client, too, as of one who is gone.
      onRefused: (arrival) =>
        this.#answer(arrival, this.#state === "draining" ? goingDown : "server is out of descriptors"),
      onExit: (worker, stranded) => this.#onExit(worker, stranded),
      onGone: (worker) => this.#onGone(worker),
    });
  }

  /** Resolves when so many workers are ready. @throws ServerError where they cannot be had, or are no longer wanted. */
  static async start(
    workers: number,
    settings: HostSettings,
    logger: Logger,
    surroundings: WorkerSurroundings = {},
    unwanted?: AbortSignal,
  ): Promise<WorkerHost> {
    const host = new WorkerHost(workers, settings, logger, surroundings);
    const kill = (): void => host.kill();
    const started = host.#crew.start(workers);
    unwanted?.addEventListener("abort", kill);
    await started.finally(() => unwanted?.removeEventListener("abort", kill));
    return host;
  }

  open(): void {
    this.#crew.open();
  }

  admit(request: JoinRequest, handshake: Handshake): void {
    const { room } = request;
    const { rooms, clients } = this.#placement;
    const isOpen = this.#placement.find(room) !== undefined || this.#ending.has(room) || this.#toOpen.has(room);
    this.#admission.check(room, isOpen, {
      rooms: rooms + this.#ending.size + this.#toOpen.size,
      connections: clients + this.#waiting.length,
    });
    this.#route({ request, handshake });
  }

  async find(room: string): Promise<RoomSummary | undefined> {
    const worker = this.#placement.find(room);
    const found = await worker?.ask("find", room);
    // Nobody is to take a room for closed of which nothing can be found out.
    const isUnknown = worker !== undefined && found === undefined && this.#placement.find(room) === worker;
    if (isUnknown) throw RefusedError.forNow("the worker of this room does not answer");
    return found ?? undefined;
  }

  async list(): Promise<readonly RoomSummary[]> {
    const lists = await Promise.all(Array.from(this.#crew.workers.values(), (worker) => worker.ask("list", null)));
    return lists.flatMap((list) => list ?? []);
  }

  async figures(): Promise<HostFigures> {
    const rooms: RoomFigures[] = [];
    const counters: CounterValues[] = [this.#crew.pastCounters];
    const workers = new Map<number, WorkerFigures>();
    for (const [number, state, lastCounters] of await this.#states()) {
      if (state === undefined) {
        if (lastCounters !== undefined) counters.push(lastCounters);
        continue;
      }
      rooms.push(...state.rooms);
      counters.push(state.counters);
      workers.set(number, state.figures);
    }
    return { rooms, counters: sumCounters(counters), workers, workersLost: this.#crew.lost };
  }

  async report(): Promise<readonly ProcessReport[]> {
    const workers = Array.from(this.#crew.workers, async ([number, worker]) => {
      const report = (await worker.ask("report", null)) ?? undefined;
      return { name: `worker ${number}`, pid: worker.pid, report };
    });
    return [{ name: "supervisor", pid: process.pid, report: reportRooms([]) }, ...(await Promise.all(workers))];
  }

  async drain(plan: DrainPlan = drainAtOnce): Promise<void> {
    this.#state = "draining";
    this.#routeWaiting();
    // Whoever is handed over now may come after the end of a worker that has nothing to do.
    this.#crew.refuseWaiting();
    if (plan.spreadMs > 0) await this.#closeGradually(plan);
    await this.#crew.stop({ ...plan, spreadMs: 0 });
  }

  kill(): void {
    this.#isHurried = this.#state === "draining";
    this.#closing?.hurry();
    this.#crew.kill();
  }

  /** The rooms of all workers take turns, so that it makes no difference how they are distributed, or that a worker ends. */
  async #closeGradually(plan: DrainPlan): Promise<void> {
    this.#crew.retire(plan);
    const rooms = await this.#roomsInUse();
    const closing = new Gradually(rooms, plan.spreadMs, (room) => {
      const worker = this.#placement.find(room);
      worker?.closeRoom(room, plan);
      return worker !== undefined;
    });
    this.#closing = closing;
    if (rooms.length > 1) this.#logger.info(describeDrain(rooms.length, plan));
    closing.start();
    if (this.#isHurried) closing.hurry();
    await closing.done;
  }

  /** Those without clients are closed by their workers at once; rooms of a worker that does not answer may have some. */
  async #roomsInUse(): Promise<string[]> {
    const { rooms } = await this.figures();
    const unused = new Set(rooms.filter(({ connections }) => connections === 0).map(({ name }) => name));
    return [...this.#placement.names].filter((name) => !unused.has(name));
  }

  async #states(): Promise<[number, WorkerState | undefined, CounterValues | undefined][]> {
    return Promise.all(
      Array.from(this.#crew.workers, async ([number, worker]) => {
        const state = await worker.ask("state", null);
        // So that no counter ever goes down from what was told before.
        if (state !== undefined) worker.lastCounters = state.counters;
        return [number, state, worker.lastCounters] as [number, WorkerState | undefined, CounterValues | undefined];
      }),
    );
  }

  #route(arrival: Arrival): void {
    const { room, connectionId } = arrival.request;
    if (this.#state === "draining") {
      this.#refuse(arrival, goingDown);
      return;
    }
    if (this.#waitingCount() >= maxWaiting) {
      this.#refuse(arrival, "server is busy");
      return;
    }
    const worker = this.#place(room, connectionId);
    if (worker === undefined) this.#wait(arrival);
    else worker.admit(arrival);
  }

  #wait(arrival: Arrival): void {
    const { room } = arrival.request;
    this.#waiting.push(arrival);
    if (!this.#ending.has(room)) this.#toOpen.add(room);
  }

  /** The worker that a client of the room goes to; undefined while there is none for it. */
  #place(room: string, connectionId: number): WorkerProcess | undefined {
    if (this.#ending.has(room)) return undefined;
    if (!this.#isPlacedByName) return this.#placement.place(room, connectionId);
    const worker = this.#crew.workers.get(crc32(room) % this.#workerCount);
    return worker === undefined ? undefined : this.#placement.place(room, connectionId, worker);
  }

  #waitingCount(): number {
    let count = this.#waiting.length;
    for (const worker of this.#crew.workers.values()) count += worker.waiting;
    return count;
  }

  #routeWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#toOpen.clear();
    for (const arrival of waiting) this.#route(arrival);
  }

  #refuse(arrival: Arrival, reason: string): void {
    this.#answer(arrival, reason);
    this.#onClientGone(arrival.request.connectionId);
  }

  #answer({ request, handshake }: Arrival, reason: string): void {
    const addressOf = (): string => request.remoteAddress;
    const traits = { headers: this.#headers, addressOf };
    refuse(handshake.connection.socket, RefusedError.forNow(reason), this.#refusals, traits);
  }

  #onReady(worker: WorkerProcess): void {
    this.#placement.add(worker);
    this.#routeWaiting();
  }

  #onReport(worker: WorkerProcess, { gone = [], closed = [] }: Report): void {
    for (const id of gone) if (this.#placement.clientGone(worker, id)) this.#onClientGone(id);
    for (const [room, lastConnectionId] of closed) this.#placement.closed(worker, room, lastConnectionId);
    this.#hurryIfEmpty();
  }

  #onExit(worker: WorkerProcess, stranded: readonly Arrival[]): void {
    const { rooms, connectionIds } = this.#placement.remove(worker);
    for (const room of rooms) this.#ending.set(room, worker);
    // Those who did not get there are still on their way, to another worker.
    for (const { request } of stranded) connectionIds.delete(request.connectionId);
    for (const id of connectionIds) this.#onClientGone(id);
    for (const arrival of stranded) this.#route(arrival);
    this.#hurryIfEmpty();
  }

  #hurryIfEmpty(): void {
    if (this.#placement.rooms === 0) this.#closing?.hurry();
  }

  #onGone(worker: WorkerProcess): void {
    for (const [room, owner] of this.#ending) {
      if (owner === worker) this.#ending.delete(room);
    }
    this.#routeWaiting();
  }
}
