import type { ProcessExit } from "../links.ts";
import type { SpawnedProcess } from "./spawner.ts";

/** How long output may still come when the process has exited but something else holds its pipe open. */
const outputGraceMs = 1000;
const terminateAfterMs = 500;

export interface LifetimeOptions {
  readonly spawned: SpawnedProcess;
  /** Between SIGTERM and SIGKILL. */
  readonly killGraceMs: number;
  /** Closes the process's input: the first step of its end. */
  readonly closeInput: () => void;
  readonly onExit: () => void;
  /** The process, its group and its output are gone. */
  readonly onEnd: (exit: ProcessExit) => void;
}

/** Sees one process to its end: asked to go step by step, or gone by itself, and never without its whole group. */
export class Lifetime {
  readonly #options: LifetimeOptions;
  #state: "running" | "terminating" | "exited" | "ended" = "running";
  /** Until it is over, the group has time to go by itself. */
  #nextStep: NodeJS.Timeout | undefined;
  #isGroupAsked = false;
  #exit: ProcessExit | undefined;
  #fault: string | undefined;
  #isOutputOver = false;
  #isErrorOutputOver: boolean;
  #graceLeftMs = outputGraceMs;
  #graceStartedAt = 0;
  #isGracePaused = false;
  #grace: NodeJS.Timeout | undefined;

  constructor(options: LifetimeOptions) {
    this.#options = options;
    this.#isErrorOutputOver = options.spawned.stderr === undefined;
    // It may have exited already, and nobody may hear of its end before they have its link.
    void options.spawned.exited.then((exit) => setImmediate(() => this.#onExit(exit)));
  }

  get hasExited(): boolean {
    return this.#state === "exited" || this.#state === "ended";
  }

  /** Closing stdin is enough for a well-behaved filter; the signals are for the others. */
  terminate(fault?: string): void {
    this.#fault ??= fault;
    if (this.#state !== "running") return;
    this.#state = "terminating";
    this.#options.closeInput();
    this.#nextStep = setTimeout(() => this.#askGroup(), terminateAfterMs);
  }

  kill(): void {
    if (this.#state === "ended") return;
    this.#killGroup();
    if (this.#state === "exited") this.#end();
    else this.#state = "terminating";
    // Nobody is left to hear it.
    this.#isOutputOver = true;
  }

  /** No more output comes, but for stderr. */
  outputEnded(): void {
    this.#isOutputOver = true;
    if (this.#isOver) this.#end();
  }

  /** Nothing more comes from stderr. */
  errorOutputEnded(): void {
    this.#isErrorOutputOver = true;
    if (this.#isOver) this.#end();
  }

  /** While its output is not read, a process is not to blame for what is still in the pipe. */
  pauseGrace(): void {
    this.#isGracePaused = true;
    if (this.#grace === undefined) return;
    clearTimeout(this.#grace);
    this.#grace = undefined;
    this.#graceLeftMs -= performance.now() - this.#graceStartedAt;
  }

  resumeGrace(): void {
    this.#isGracePaused = false;
    this.#startGrace();
  }

  #startGrace(): void {
    if (this.#state !== "exited" || this.#isGracePaused || this.#grace !== undefined) return;
    this.#graceStartedAt = performance.now();
    // The timer may be late, with output that nobody has had the time to read: that is read first.
    const grace = setTimeout(() => setImmediate(() => this.#onGraceOver(grace)), Math.max(0, this.#graceLeftMs));
    this.#grace = grace;
  }

  /** Unless what was read last has made a client fall behind, so that the rest waits for that one. */
  #onGraceOver(grace: NodeJS.Timeout): void {
    if (this.#grace !== grace) return;
    if (this.#nextStep === undefined) {
      this.#end();
      return;
    }
    // Who holds the output, and is not of the group, is not waited for as long as the group would be.
    this.#forgetGroupIfGone();
    this.#renewGrace();
  }

  #renewGrace(): void {
    clearTimeout(this.#grace);
    this.#grace = undefined;
    this.#graceLeftMs = outputGraceMs;
    this.#startGrace();
  }

  #onExit(exit: ProcessExit): void {
    const wasTerminating = this.#state === "terminating";
    this.#state = "exited";
    this.#exit = exit;
    this.#options.onExit();
    // Told of the exit, the link may have said that no output comes any more: then all is over already.
    if (this.#isOver) {
      this.#end();
      return;
    }
    if (wasTerminating) this.#endGroup();
    this.#startGrace();
  }

  /**
   * Its last words still count, for who comes later and for the log; but they wait for no client any more. What it has started,
   * and has its output too, has as long to go as the process itself: often it is the program, and the process a shell.
   */
  #endGroup(): void {
    this.#isGracePaused = false;
    if (!this.#isGroupAsked) this.#askGroup();
    this.#forgetGroupIfGone();
  }

  #forgetGroupIfGone(): void {
    if (!this.#options.spawned.signalGroup(0)) this.#forgetNextStep();
  }

  #askGroup(): void {
    this.#forgetNextStep();
    this.#isGroupAsked = true;
    const { spawned, killGraceMs } = this.#options;
    spawned.signalGroup("SIGTERM");
    this.#nextStep = setTimeout(() => this.#killGroup(), killGraceMs);
  }

  #killGroup(): void {
    this.#forgetNextStep();
    this.#isGroupAsked = true;
    this.#options.spawned.signalGroup("SIGKILL");
    this.#renewGrace();
  }

  #forgetNextStep(): void {
    clearTimeout(this.#nextStep);
    this.#nextStep = undefined;
  }

  get #isOver(): boolean {
    return this.#exit !== undefined && this.#isOutputOver && this.#isErrorOutputOver;
  }

  #end(): void {
    if (this.#state === "ended" || this.#exit === undefined) return;
    this.#state = "ended";
    clearTimeout(this.#grace);
    this.#forgetNextStep();
    this.#options.spawned.signalGroup("SIGKILL");
    const { code, signal } = this.#exit;
    this.#options.onEnd(this.#fault === undefined ? { code, signal } : { code, signal, fault: this.#fault });
  }
}
