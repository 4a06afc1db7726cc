import { messageOf } from "../errors.ts";
import { exitText } from "../exit-text.ts";
import type { ProcessEvents, ProcessExit, ProcessLauncher, ProcessLink, ProcessReservation } from "../links.ts";
import type { Logger } from "../logger.ts";
import { Spare, type SpareOwner } from "./spare.ts";

const firstPauseMs = 100;
const longestPauseMs = 10_000;

/**
 * Starts processes ahead, for rooms to come. Whose room that will be is not known then, so that no process that it
 * launches is told of a request: neither one that was started ahead, nor one that was not when there was none left.
 */
export class Prewarmer implements ProcessLauncher, SpareOwner {
  readonly #launcher: ProcessLauncher;
  readonly #count: number;
  readonly #logger: Logger;
  #state: "new" | "running" | "draining" | "killing" = "new";
  /** Those that a room can have, the oldest first. */
  readonly #ready: Spare[] = [];
  /** Those that are there and have no room, also while they end. */
  readonly #waiting = new Set<Spare>();
  #starting = 0;
  /** The last pause after a failure; 0 where none has failed since a room took one. */
  #pauseMs = 0;
  #pause: NodeJS.Timeout | undefined;
  #onDrained: () => void = () => undefined;
  readonly #drained = new Promise<void>((resolve) => {
    this.#onDrained = resolve;
  });

  constructor(launcher: ProcessLauncher, count: number, logger: Logger) {
    this.#launcher = launcher;
    this.#count = count;
    this.#logger = logger;
  }

  /** From now on there are processes ahead. */
  start(): void {
    this.#state = "running";
    this.#fill();
  }

  async reserve(): Promise<ProcessReservation> {
    const reservation = await this.#launcher.reserve();
    return {
      launch: (_request, events) => this.#launch(reservation, events),
      release: () => reservation.release(),
    };
  }

  /** Ends in their steps those that no room has; resolves when they are gone. */
  async drain(): Promise<void> {
    if (this.#state !== "killing") this.#state = "draining";
    clearTimeout(this.#pause);
    this.#ready.length = 0;
    for (const spare of this.#waiting) spare.terminate();
    this.#checkDrained();
    await this.#drained;
  }

  /** Ends those that no room has at once. */
  kill(): void {
    if (this.#state === "draining") this.#state = "killing";
    this.#ready.length = 0;
    for (const spare of this.#waiting) spare.kill();
  }

  onEnding(spare: Spare): void {
    const at = this.#ready.indexOf(spare);
    if (at !== -1) this.#ready.splice(at, 1);
  }

  onGone(spare: Spare, exit: ProcessExit): void {
    this.#waiting.delete(spare);
    this.#onFailure(exitText(exit));
    this.#checkDrained();
  }

  async #launch(reservation: ProcessReservation, events: ProcessEvents): Promise<ProcessLink> {
    const spare = this.#ready.shift();
    if (spare === undefined) return reservation.launch(undefined, events);
    reservation.release();
    this.#waiting.delete(spare);
    this.#pauseMs = 0;
    this.#fill();
    return spare.take(events);
  }

  #fill(): void {
    if (this.#state !== "running" || this.#pause !== undefined) return;
    for (let missing = this.#count - this.#ready.length - this.#starting; missing > 0; missing -= 1) {
      void this.#startOne();
    }
  }

  async #startOne(): Promise<void> {
    this.#starting += 1;
    const spare = new Spare(this, this.#logger);
    try {
      const reservation = await this.#launcher.reserve();
      spare.open(await reservation.launch(undefined, spare));
      this.#waiting.add(spare);
      this.#starting -= 1;
      if (this.#state === "killing") spare.kill();
      else if (this.#state === "draining") spare.terminate();
      else this.#ready.push(spare);
    } catch (error) {
      this.#starting -= 1;
      this.#onFailure(messageOf(error));
      this.#checkDrained();
    }
  }

  /** One line tells of a row of failures, which come at longer and longer intervals. */
  #onFailure(reason: string): void {
    if (this.#state !== "running" || this.#pause !== undefined) return;
    if (this.#pauseMs === 0) {
      this.#logger.warn(`a process that was started ahead is of no use: ${reason}; trying again, ever more slowly`);
    }
    this.#pauseMs = Math.min(Math.max(this.#pauseMs * 2, firstPauseMs), longestPauseMs);
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#fill();
    }, this.#pauseMs).unref();
  }

  #checkDrained(): void {
    const isOver = this.#state === "draining" || this.#state === "killing";
    if (isOver && this.#starting === 0 && this.#waiting.size === 0) this.#onDrained();
  }
}
