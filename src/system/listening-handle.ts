import type { Server } from "node:net";
import type { SocketHandle } from "./socket-handle.ts";

type OnConnection = (this: ListeningHandle, error: number, connection: SocketHandle | undefined) => void;

/** The parts of Node's own handle of a server that are used here. */
interface ListeningHandle {
  readonly fd: number;
  onconnection: OnConnection;
}

/** Node's own handle of a server; undefined where it does not listen, or only by way of another process. */
export function listeningHandleOf(server: Server): ListeningHandle | undefined {
  const { _handle: handle } = server as unknown as { readonly _handle: Partial<ListeningHandle> | null };
  return handle?.onconnection === undefined ? undefined : (handle as ListeningHandle);
}

/**
 * Offers each connection that a listening server accepts to somebody else first. Where `take` returns true, the server knows
 * nothing of it. Nothing else of Node hands out connections without making sockets of them.
 */
export function interceptConnections(server: Server, take: (connection: SocketHandle) => boolean): void {
  const handle = listeningHandleOf(server);
  if (handle === undefined) return;
  const { onconnection: onConnection } = handle;
  const onConnectionUnlessTaken: OnConnection = function (error, connection) {
    const isTaken = error === 0 && connection !== undefined && take(connection);
    if (!isTaken) onConnection.call(this, error, connection);
  };
  handle.onconnection = onConnectionUnlessTaken;
}
