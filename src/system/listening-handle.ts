import type { Server } from "node:net";
import type { SocketHandle } from "./socket-handle.ts";

type OnConnection = (this: ListeningHandle, error: number, connection: SocketHandle | undefined) => void;

/** The part of Node's own handle of a server that is used here. */
interface ListeningHandle {
  onconnection: OnConnection;
}

/**
 * Offers each connection that a listening server accepts to somebody else first. Where `take` returns true, the server knows
 * nothing of it. Nothing else of Node hands out connections without making sockets of them.
 */
export function interceptConnections(server: Server, take: (connection: SocketHandle) => boolean): void {
  const { _handle: handle } = server as unknown as { readonly _handle: Partial<ListeningHandle> | null };
  const onConnection = handle?.onconnection;
  if (onConnection === undefined) return;
  const onConnectionUnlessTaken: OnConnection = function (error, connection) {
    const isTaken = error === 0 && connection !== undefined && take(connection);
    if (!isTaken) onConnection.call(this, error, connection);
  };
  Object.assign(handle as ListeningHandle, { onconnection: onConnectionUnlessTaken });
}
