import { once } from "node:events";
import { createServer } from "node:net";
import { RefusedError } from "../errors.ts";

const host = "127.0.0.1";

export function noPortLeft(): RefusedError {
  return RefusedError.forNow("no port left for another room");
}

/** TCP ports from `start` up to and including `end`. */
export interface PortRange {
  readonly start: number;
  readonly end: number;
}

/** Where ports for processes come from. */
export interface Ports {
  /** Takes a port that nothing listens on. @throws RefusedError 503 where none is left. */
  take(): Promise<number>;
  release(port: number): void;
}

/** Gives each port to one process at a time, in turn, so that a port rests before it is used again. */
export class PortPool implements Ports {
  readonly #range: PortRange;
  readonly #taken = new Set<number>();
  #next: number;

  constructor(range: PortRange) {
    this.#range = range;
    this.#next = range.start;
  }

  async take(): Promise<number> {
    const count = this.#range.end - this.#range.start + 1;
    for (let tried = 0; tried < count; tried += 1) {
      const port = this.#advance();
      if (this.#taken.has(port)) continue;
      this.#taken.add(port);
      // One after the other: ports are tried until one is free.
      // oxlint-disable-next-line no-await-in-loop
      if (await isFree(port)) return port;
      this.#taken.delete(port);
    }
    throw noPortLeft();
  }

  release(port: number): void {
    this.#taken.delete(port);
  }

  #advance(): number {
    const port = this.#next;
    this.#next = port === this.#range.end ? this.#range.start : port + 1;
    return port;
  }
}

/** Whether the port can be listened on, which is the only sure way to find out that nothing else does. */
async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, "listening");
  } catch {
    return false;
  }
  server.close();
  await once(server, "close");
  return true;
}
