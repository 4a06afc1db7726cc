import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";

/** The processes that a benchmark has started: none of them outlives it. */
export class Children {
  readonly #running = new Set<ChildProcess>();

  spawn(command: string, args: readonly string[], options: SpawnOptions): ChildProcess {
    const child = spawn(command, args, options);
    this.#running.add(child);
    const forget = (): void => {
      this.#running.delete(child);
    };
    child.once("exit", forget);
    child.once("error", forget);
    return child;
  }

  killAll(): void {
    for (const child of this.#running) child.kill("SIGKILL");
  }

  /** Ends this process, and all others with it, on the signals that a person or a shell sends. */
  obeySignals(): void {
    for (const [signal, exitCode] of [["SIGINT", 130] as const, ["SIGTERM", 143] as const]) {
      process.once(signal, () => {
        this.killAll();
        process.exit(exitCode);
      });
    }
  }
}
