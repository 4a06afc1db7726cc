import type { Socket } from "node:net";
import type { JoinRequest } from "../join-request.ts";
import type { Handshake } from "../websocket/websockets.ts";

/** A client on its way to the worker of its room. */
export interface Arrival {
  readonly request: JoinRequest;
  readonly handshake: Handshake;
}

/** The part of Node's own handle of a socket that is used here. */
interface SocketHandle {
  reading: boolean;
  readStop(): void;
}

/** Node's own handle of a socket, which can be sent to another process; undefined once the socket is closed. */
export function handleOf(socket: Socket): SocketHandle | undefined {
  const { _handle: handle } = socket as unknown as { _handle: SocketHandle | null };
  return handle ?? undefined;
}

/** What the client sends from now on is for another process. Pausing the stream would not stop its handle at once. */
export function stopReading(socket: Socket): void {
  const handle = handleOf(socket);
  if (handle === undefined) return;
  handle.reading = false;
  handle.readStop();
}
