import type { Readable } from "node:stream";
import type { Lifetime } from "./lifetime.ts";
import type { LinkOptions } from "./link-options.ts";

/** Hands out what a process writes to its stderr, where that comes to us. */
export class ErrorOutput {
  readonly #stderr: Readable | undefined;
  readonly #isPausable: boolean;

  constructor({ spawned, pausesErrors, events }: LinkOptions, lifetime: Lifetime) {
    this.#stderr = spawned.stderr;
    this.#isPausable = pausesErrors;
    this.#stderr?.on("data", (chunk: Buffer) => events.onErrorChunk(chunk));
    this.#stderr?.on("error", () => undefined);
    this.#stderr?.on("close", () => lifetime.errorOutputEnded());
  }

  /** Only where clients get it, too; for the log alone it is read on. */
  pause(): void {
    if (this.#isPausable) this.#stderr?.pause();
  }

  resume(): void {
    this.#stderr?.resume();
  }

  destroy(): void {
    this.#stderr?.destroy();
  }
}
