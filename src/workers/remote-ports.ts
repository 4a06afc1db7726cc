import { noPortLeft, type Ports } from "../process/ports.ts";
import type { FromWorker } from "./messages.ts";

/** Ports that the supervisor gives out, since all workers share one range. */
export class RemotePorts implements Ports {
  readonly #send: (message: FromWorker) => void;
  readonly #wanted = new Map<number, (port: number | null) => void>();
  #lastId = 0;

  constructor(send: (message: FromWorker) => void) {
    this.#send = send;
  }

  async take(): Promise<number> {
    this.#lastId += 1;
    const id = this.#lastId;
    const port = await new Promise<number | null>((resolve) => {
      this.#wanted.set(id, resolve);
      this.#send({ type: "takePort", id });
    });
    if (port === null) throw noPortLeft();
    return port;
  }

  release(port: number): void {
    this.#send({ type: "releasePort", port });
  }

  /** The supervisor's answer; null says that no port is left. */
  onPort(id: number, port: number | null): void {
    this.#wanted.get(id)?.(port);
    this.#wanted.delete(id);
  }
}
