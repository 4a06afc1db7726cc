import type { IncomingMessage, Server as HttpServer, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { acceptedSocket } from "../system/socket-handle.ts";

/** Many clients may come at once, after a restart say; each has this long to send its request before it can be in the way. */
const graceMs = 2000;
/** As many times the number there may be at most, however lately they have come. */
const burstFactor = 8;

/**
 * The connections that the server waits for: no whole request has come on them, or none since the last. Where there are too
 * many, those go that were waited for longest, so that who opens many of them only shuts out itself.
 */
export class WaitingSockets {
  readonly #most: number;
  readonly #graceMs: number;
  /** Since when each is waited for, from the one that was waited for longest on. */
  readonly #since = new Map<Socket, number>();
  /** One for all sockets, which live long. */
  readonly #socketOnClose: (this: Socket) => void;
  #timer: NodeJS.Timeout | undefined;

  /** `most` may wait for longer than the grace. */
  constructor(most: number, grace = graceMs) {
    this.#most = most;
    this.#graceMs = grace;
    const since = this.#since;
    this.#socketOnClose = function (): void {
      since.delete(this);
    };
  }

  /** Keeps an eye on all connections of a server, from before they are encrypted on. */
  watch(http: HttpServer): void {
    http.on("connection", (socket: Socket) => {
      socket.on("close", this.#socketOnClose);
      this.#add(socket);
    });
    http.on("request", (request: IncomingMessage, response: ServerResponse) => {
      const socket = acceptedSocket(request.socket);
      this.#since.delete(socket);
      response.on("close", () => {
        if (!socket.destroyed) this.#add(socket);
      });
    });
  }

  /** The connection of a request is for something else from now on. Not listened for: Node asks nobody else then. */
  letGo(request: IncomingMessage): void {
    const socket = acceptedSocket(request.socket);
    socket.off("close", this.#socketOnClose);
    this.#since.delete(socket);
  }

  #add(socket: Socket): void {
    this.#since.set(socket, performance.now());
    this.#thinOut();
  }

  #thinOut(): void {
    const lately = performance.now() - this.#graceMs;
    for (const [socket, since] of this.#since) {
      if (this.#since.size <= this.#most) return;
      if (since > lately && this.#since.size <= burstFactor * this.#most) {
        if (this.#timer === undefined) {
          this.#timer = setTimeout(() => this.#timerOnTimeout(), this.#graceMs).unref();
        }
        return;
      }
      this.#since.delete(socket);
      socket.destroy();
    }
  }

  #timerOnTimeout(): void {
    this.#timer = undefined;
    this.#thinOut();
  }
}
