import { closeSync } from "node:fs";
import { Socket } from "node:net";

/** Our end of the pipe to a process's stdin. A socket is made of it when it is used: many processes are never told anything. */
export class InputPipe {
  /** Undefined once it was closed without any use. */
  #end: Socket | number | undefined;

  /** A descriptor is its own from now on. */
  constructor(end: Socket | number) {
    this.#end = end;
  }

  /** The socket to write to; undefined where the pipe was closed before its first use. */
  use(): Socket | undefined {
    if (typeof this.#end === "number") this.#end = new Socket({ fd: this.#end, readable: false, writable: true });
    return this.#end;
  }

  /** Closes it behind what was written. */
  end(): void {
    if (this.#end instanceof Socket) this.#end.end();
    else this.#closeUnused();
  }

  destroy(): void {
    if (this.#end instanceof Socket) this.#end.destroy();
    else this.#closeUnused();
  }

  #closeUnused(): void {
    if (typeof this.#end !== "number") return;
    closeSync(this.#end);
    this.#end = undefined;
  }
}
