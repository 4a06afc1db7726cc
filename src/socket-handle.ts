import type { Socket } from "node:net";

/** The parts of Node's own handle of a socket that are used here, since nothing else of Node tells or does the same. */
interface SocketHandle {
  readonly bytesWritten: number;
  readonly writeQueueSize: number;
  reading: boolean;
  readStop(): void;
}

/** Node's own handle of a socket, which can be sent to another process; undefined once the socket is closed. */
export function handleOf(socket: Socket): SocketHandle | undefined {
  const { _handle: handle } = socket as unknown as { _handle: SocketHandle | null };
  return handle ?? undefined;
}

/** Bytes that the system has taken of what was written, also of a write that is still under way; undefined once closed. */
export function takenBytes(socket: Socket): number | undefined {
  const handle = handleOf(socket);
  return handle && handle.bytesWritten - handle.writeQueueSize;
}
