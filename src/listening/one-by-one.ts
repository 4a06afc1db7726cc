import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

type RequestListener = (request: IncomingMessage, response: ServerResponse) => void;

/** How many requests of a connection may wait for the answers before theirs. */
const mostWaiting = 32;

/**
 * Has each connection's requests answered one after the other. Node hands out at once all that a client sends without waiting
 * for answers, however many, and never closes an answer whose turn does not come. A connection with too many of them is closed.
 */
export function oneByOne(answer: RequestListener): RequestListener {
  const waiting = new WeakMap<Socket, number>();
  return (request, response) => {
    // An answer has the socket for as long as it is its turn.
    if (response.socket !== null) {
      answer(request, response);
      return;
    }
    const { socket } = request;
    const count = (waiting.get(socket) ?? 0) + 1;
    if (count > mostWaiting) {
      socket.destroy();
      return;
    }
    waiting.set(socket, count);
    response.once("socket", () => {
      waiting.set(socket, (waiting.get(socket) ?? 0) - 1);
      // The end of the answer before may be that of the connection.
      if (!socket.destroyed) answer(request, response);
    });
  };
}
