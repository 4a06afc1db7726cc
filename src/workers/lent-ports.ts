import type { PortPool } from "../process/ports.ts";

/** The ports of `--tcp` that one worker has, of those that all workers share. */
export class LentPorts {
  readonly #pool: PortPool;
  readonly #ports = new Set<number>();
  #isOver = false;

  constructor(pool: PortPool) {
    this.#pool = pool;
  }

  /** Undefined where there is none left, or the worker has gone meanwhile. */
  async take(): Promise<number | undefined> {
    const port = await this.#pool.take().catch(() => undefined);
    if (port === undefined) return undefined;
    this.#ports.add(port);
    if (!this.#isOver) return port;
    this.release(port);
    return undefined;
  }

  release(port: number): void {
    if (this.#ports.delete(port)) this.#pool.release(port);
  }

  /** The worker, and all that it had started, is gone. */
  close(): void {
    this.#isOver = true;
    for (const port of this.#ports) this.release(port);
  }
}
