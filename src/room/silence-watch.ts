const bufferingHint =
  "the process has written nothing since a client spoke to it; if it should have, it may keep its output in a buffer, " +
  "as programs do without a terminal: use python -u, stdbuf -oL or script(1), or flush after each message";

const unfinishedHint =
  "the process has written something, but no message has come to its end yet, which by default a newline is; for output " +
  "without one, such as a prompt, see --binary and --delimiters";

/** Notices once that a process says nothing whole for some time although somebody has spoken to it. */
export class SilenceWatch {
  readonly #limitMs: number;
  readonly #onSilence: (hint: string) => void;
  #state: "waiting" | "watching" | "over" = "waiting";
  #hint = bufferingHint;
  #timer: NodeJS.Timeout | undefined;

  /** `onSilence` is told why that may be. */
  constructor(limitMs: number, onSilence: (hint: string) => void) {
    this.#limitMs = limitMs;
    this.#onSilence = onSilence;
  }

  /** Somebody has spoken to the process: from the first time on it has its time to say something. */
  start(): void {
    if (this.#state !== "waiting") return;
    this.#state = "watching";
    this.#timer = setTimeout(() => {
      this.#state = "over";
      this.#onSilence(this.#hint);
    }, this.#limitMs).unref();
  }

  /** The process has said something; undefined where that need not be a line. */
  heard(hasLine: boolean | undefined): void {
    if (hasLine === false) this.#hint = unfinishedHint;
    else this.stop();
  }

  /** The process will not be asked any more, or has no need of a hint. */
  stop(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    clearTimeout(this.#timer);
  }
}
