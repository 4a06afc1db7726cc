export const bufferingHint =
  "the process has written nothing since a client spoke to it; if it should have, it may keep its output in a buffer, " +
  "as programs do without a terminal: use python -u, stdbuf -oL or script(1), or flush after each message";

/** Notices once that a process says nothing for some time although somebody has spoken to it. */
export class SilenceWatch {
  readonly #limitMs: number;
  readonly #onSilence: () => void;
  #state: "waiting" | "watching" | "over" = "waiting";
  #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: number, onSilence: () => void) {
    this.#limitMs = limitMs;
    this.#onSilence = onSilence;
  }

  /** Somebody has spoken to the process: from the first time on it has its time to say something. */
  start(): void {
    if (this.#state !== "waiting") return;
    this.#state = "watching";
    this.#timer = setTimeout(() => {
      this.#state = "over";
      this.#onSilence();
    }, this.#limitMs).unref();
  }

  /** The process has said something, or will not be asked any more. */
  stop(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    clearTimeout(this.#timer);
  }
}
