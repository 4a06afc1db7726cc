import type { Socket } from "node:net";
import { connectionOfHandle } from "./lending-socket.ts";
import { handleOf, type SocketHandle } from "./socket-handle.ts";

/**
 * The connection of a client that is not read: it may go to another process as it is, be refused, or become a websocket. A
 * socket is made only when somebody needs one: that takes longer, and more memory, than all else that the supervisor does with it.
 */
export class UnreadConnection {
  #handle: SocketHandle | undefined;
  #socket: Socket | undefined;

  private constructor(handle: SocketHandle | undefined, socket: Socket | undefined) {
    this.#handle = handle;
    this.#socket = socket;
  }

  /** Somebody has to listen to the errors of the socket. */
  static ofSocket(socket: Socket): UnreadConnection {
    return new UnreadConnection(undefined, socket);
  }

  /** Of a connection that has no socket yet. */
  static ofHandle(handle: SocketHandle): UnreadConnection {
    return new UnreadConnection(handle, undefined);
  }

  /** Node's own handle of the connection, which can be sent to another process; undefined once it is closed. */
  get handle(): SocketHandle | undefined {
    return this.#socket === undefined ? this.#handle : handleOf(this.#socket);
  }

  get socket(): Socket {
    this.#socket ??= connectionOfHandle(this.#handle).on("error", ignore);
    return this.#socket;
  }

  /** Closes our side of it, which is the last one unless it was sent to another process. */
  destroy(): void {
    if (this.#socket === undefined) this.#handle?.close();
    else this.#socket.destroy();
    this.#handle = undefined;
  }
}

/** Whoever goes away during the handshake is of no concern. Not a closure: it lives as long as the socket. */
function ignore(): void {}
