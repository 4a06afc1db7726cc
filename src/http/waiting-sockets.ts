import type { IncomingMessage, Server as HttpServer, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { acceptedSocket } from "../socket-handle.ts";

/**
 * The connections that the server waits for: no whole request has come on them, or none since the last. There are so many at
 * most; for one more, the one goes that was waited for longest, so that who opens many of them only shuts out itself.
 */
export class WaitingSockets {
  readonly #most: number;
  /** From the one that was waited for longest on. */
  readonly #sockets = new Set<Socket>();
  /** One for all sockets, which live long. */
  readonly #socketOnClose: (this: Socket) => void;

  constructor(most: number) {
    this.#most = most;
    const sockets = this.#sockets;
    this.#socketOnClose = function (): void {
      sockets.delete(this);
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
      this.#sockets.delete(socket);
      response.on("close", () => {
        if (!socket.destroyed) this.#add(socket);
      });
    });
    http.on("upgrade", (request) => {
      const socket = acceptedSocket(request.socket);
      socket.off("close", this.#socketOnClose);
      this.#sockets.delete(socket);
    });
  }

  #add(socket: Socket): void {
    if (this.#sockets.size >= this.#most) {
      const [oldest] = this.#sockets;
      if (oldest !== undefined) {
        this.#sockets.delete(oldest);
        oldest.destroy();
      }
    }
    this.#sockets.add(socket);
  }
}
