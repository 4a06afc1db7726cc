import type { ProcessCalls, WaitStatus } from "./process-calls.ts";

/** How long a child that is not ours may stand in the way before each of ours is asked. */
const foreignChildMs = 20;

/**
 * Waits for children that Node does not know. Node's own children are left to it: only pids that were given to `watch`
 * are reaped, found by peeking at whichever child has exited, since asking each of 10,000 at every exit would not do.
 */
export class Reaper {
  /** Those of all servers in this process: they share a listener, since Node takes more than ten of one kind for a leak. */
  static readonly #open = new Set<Reaper>();
  static readonly #onSigchld = (): void => {
    for (const reaper of Reaper.#open) reaper.#reapExited();
  };

  readonly #calls: ProcessCalls;
  readonly #onExit = new Map<number, (status: WaitStatus) => void>();
  #foreignTimer: NodeJS.Timeout | undefined;

  constructor(calls: ProcessCalls) {
    this.#calls = calls;
    if (Reaper.#open.size === 0) process.on("SIGCHLD", Reaper.#onSigchld);
    Reaper.#open.add(this);
  }

  /** Calls back once when the child has exited, be it that it has already. */
  watch(pid: number, onExit: (status: WaitStatus) => void): void {
    this.#onExit.set(pid, onExit);
    // Where it has exited before it was known, it may have stood in the way of others.
    if (this.#reap(pid)) this.#reapExited();
  }

  close(): void {
    Reaper.#open.delete(this);
    if (Reaper.#open.size === 0) process.off("SIGCHLD", Reaper.#onSigchld);
    clearTimeout(this.#foreignTimer);
  }

  #reapExited(): void {
    for (;;) {
      const pid = this.#calls.peekExited();
      if (pid === undefined) return;
      if (!this.#reap(pid)) {
        // Somebody else's, or one of ours that `watch` is about to be called for.
        this.#foreignTimer ??= setTimeout(() => this.#reapAll(), foreignChildMs).unref();
        return;
      }
    }
  }

  /** Not again before the next has exited, for which there is another SIGCHLD: who is in the way may stay there for ever. */
  #reapAll(): void {
    this.#foreignTimer = undefined;
    for (const pid of this.#onExit.keys()) this.#reap(pid);
  }

  #reap(pid: number): boolean {
    const onExit = this.#onExit.get(pid);
    if (onExit === undefined) return false;
    const status = this.#calls.reap(pid);
    if (status === undefined) return false;
    this.#onExit.delete(pid);
    onExit(status);
    return true;
  }
}
