import type { Socket } from "node:net";
import type { JoinRequest } from "../join-request.ts";
import { handleOf } from "../socket-handle.ts";
import type { Handshake } from "../websocket/websockets.ts";

/** A client on its way to the worker of its room. */
export interface Arrival {
  readonly request: JoinRequest;
  readonly handshake: Handshake;
}

/** What the client sends from now on is for another process. Pausing the stream would not stop its handle at once. */
export function stopReading(socket: Socket): void {
  const handle = handleOf(socket);
  if (handle === undefined) return;
  handle.reading = false;
  handle.readStop();
}
