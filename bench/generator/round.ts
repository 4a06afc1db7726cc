import { setTimeout as sleep } from "node:timers/promises";
import type { Figures } from "./jobs.ts";

/** A load is over, with something missing, when nothing has come for so long. */
const patienceMs = 5000;
/** What comes in this time after the last message was sent once too often. */
const aftermathMs = 50;

/** The timed part of a load: from its start until as many messages have come as should, or none come any more. */
export class Round {
  readonly #goal: number;
  #count = 0;
  #countBefore = 0;
  #startedAtMs = 0;
  #usageAtStart: NodeJS.CpuUsage = { user: 0, system: 0 };
  #onOver: () => void = () => undefined;
  #timer: NodeJS.Timeout | undefined;
  #busy = 0;
  /** How long it took. */
  seconds = 0;

  constructor(goal: number) {
    this.#goal = goal;
  }

  /** Starts the clock and then `act`; resolves when all is over. @throws where not exactly the goal was reached. */
  async run(act: () => void): Promise<void> {
    const over = new Promise<void>((resolve) => {
      this.#onOver = resolve;
    });
    this.#timer = setInterval(() => this.#look(), patienceMs);
    this.#usageAtStart = process.cpuUsage();
    this.#startedAtMs = performance.now();
    act();
    await over;
    clearInterval(this.#timer);
    await sleep(aftermathMs);
  }

  /** One more message has come. */
  add(): void {
    this.#count += 1;
    if (this.#count === this.#goal) this.#finish();
  }

  /** Whether all came, and no more than that; else in words what did. */
  get problem(): string | undefined {
    return this.#count === this.#goal ? undefined : `${this.#count} of ${this.#goal} messages arrived`;
  }

  /** How many a second, and the share of one core that this generator took: near 1, it is what was measured. */
  figures(): Figures {
    return { rate: this.#count / this.seconds, busy: this.#busy };
  }

  #look(): void {
    if (this.#count === this.#countBefore) this.#finish();
    this.#countBefore = this.#count;
  }

  #finish(): void {
    if (this.seconds > 0) return;
    this.seconds = (performance.now() - this.#startedAtMs) / 1000;
    const { user, system } = process.cpuUsage(this.#usageAtStart);
    this.#busy = (user + system) / 1e6 / this.seconds;
    this.#onOver();
  }
}
