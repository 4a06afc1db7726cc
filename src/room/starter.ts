import type { JoinRequest } from "../join-request.ts";
import type { ProcessEvents, ProcessLink, ProcessReservation } from "../links.ts";
import type { RoomContext } from "./room-context.ts";

/** Starts the processes of one room, one after the other. */
export class Starter {
  readonly #context: RoomContext;
  #reservation: Promise<ProcessReservation> | undefined;
  #request: JoinRequest | undefined;
  #startedAt = 0;

  constructor(context: RoomContext) {
    this.#context = context;
  }

  /** How long ago the last start was asked for, in milliseconds. */
  get ageMs(): number {
    return performance.now() - this.#startedAt;
  }

  /** Takes what the next process needs, once for all who ask. @throws RefusedError where there is nothing left. */
  async reserve(): Promise<void> {
    try {
      this.#reservation ??= this.#context.launcher.reserve();
      await this.#reservation;
    } catch (error) {
      this.#reservation = undefined;
      throw error;
    }
  }

  /** Gives back what was reserved and not used. */
  release(): void {
    this.#reservation?.then(
      (reservation) => reservation.release(),
      () => undefined,
    );
    this.#reservation = undefined;
  }

  /** Starts a process with what was reserved; without a request, with the one of the process before. */
  async start(events: ProcessEvents, request: JoinRequest | undefined = this.#request): Promise<ProcessLink> {
    if (request === undefined) throw new Error("a process that nobody has asked for");
    this.#request = request;
    this.#startedAt = performance.now();
    try {
      const reservation = await (this.#reservation ?? this.#context.launcher.reserve());
      const process = await reservation.launch(request, events);
      this.#context.counters.processesStarted += 1;
      this.#context.counters.spawnTimes.observe(this.ageMs / 1000);
      return process;
    } finally {
      this.#reservation = undefined;
    }
  }
}
