import { RefusedError } from "../errors.ts";

/** Unsigned, of 32 bits: gwsocket's headers have room for no more. */
const highest = 0xffff_ffff;

/** The ids of clients, of which none is ever used again. */
export class ConnectionIds {
  #last: number;

  constructor(last = 0) {
    this.#last = last;
  }

  /** @throws RefusedError 503 where there is none left. */
  next(): number {
    if (this.#last === highest) throw RefusedError.forNow("server is out of client ids");
    this.#last += 1;
    return this.#last;
  }
}
