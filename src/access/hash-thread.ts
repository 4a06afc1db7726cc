import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";

const program = fileURLToPath(new URL("password-thread.js", import.meta.url));

export interface HashQuestion {
  readonly id: number;
  readonly hash: string;
  readonly password: string;
}

export interface HashAnswer {
  readonly id: number;
  /** Whether the password is that of the hash; undefined where that could not be found out. */
  readonly fits: boolean | undefined;
}

/** Finds out whether passwords fit to hashes, which is meant to cost time: on a thread of its own. */
export interface Hasher {
  /** Rejects where it cannot be found out. */
  verify(hash: string, password: string): Promise<boolean>;
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (fits: boolean) => void;
  readonly reject: (error: Error) => void;
}

/** The thread; started again when it has failed, as it may for want of memory. */
export class HashThread implements Hasher {
  #thread: Worker | undefined;
  #lastId = 0;
  readonly #waiting = new Map<number, Waiting>();

  async verify(hash: string, password: string): Promise<boolean> {
    const thread = this.#running();
    const id = (this.#lastId += 1);
    return new Promise<boolean>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      thread.postMessage({ id, hash, password } satisfies HashQuestion);
    });
  }

  async close(): Promise<void> {
    await this.#thread?.terminate();
  }

  #running(): Worker {
    if (this.#thread !== undefined) return this.#thread;
    const thread = new Worker(program, { env: {}, execArgv: [] });
    thread.on("message", (answer: HashAnswer) => this.#onAnswer(answer));
    // What went wrong is of no use to clients, and 'exit' follows.
    thread.on("error", () => undefined);
    thread.on("exit", () => this.#onExit());
    thread.unref();
    this.#thread = thread;
    return thread;
  }

  #onAnswer({ id, fits }: HashAnswer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (fits === undefined) waiting?.reject(new Error("the hash cannot be computed"));
    else waiting?.resolve(fits);
  }

  #onExit(): void {
    this.#thread = undefined;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(new Error("the thread that hashes has ended"));
  }
}
