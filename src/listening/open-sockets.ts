import type { Server, Socket } from "node:net";

/**
 * The connections of a server until they are closed, or handed on with their handles; also those that HTTP does not know of:
 * before they are encrypted, and once they are for another protocol.
 */
export class OpenSockets {
  readonly #sockets = new Set<Socket>();

  constructor(server: Server) {
    const sockets = this.#sockets;
    // One for all sockets, which live long.
    const socketOnClose = function (this: Socket): void {
      sockets.delete(this);
    };
    server.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.on("close", socketOnClose);
    });
  }

  /** Ends all of them at once. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
