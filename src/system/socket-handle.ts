import type { Socket } from "node:net";
import { unacknowledgedBytes } from "./send-queue.ts";

/** The parts of Node's own handle of a socket that are used here, since nothing else of Node tells or does the same. */
export interface SocketHandle {
  readonly fd: number;
  /** Of TCP only; each fills in the address and the port of its end. */
  getpeername?(name: object): number;
  getsockname?(name: object): number;
  /** Of TCP only. */
  setNoDelay?(isOn: boolean): number;
  readonly bytesWritten: number;
  readonly writeQueueSize: number;
  reading: boolean;
  readStart(): void;
  readStop(): void;
  close(): void;
  /** Of a socket with TLS: the handle that carries its encrypted bytes. */
  readonly _parent?: SocketHandle;
}

/** Node's own handle of a socket, which can be sent to another process; undefined once the socket is closed. */
export function handleOf(socket: Socket): SocketHandle | undefined {
  const { _handle: handle } = socket as unknown as { _handle: SocketHandle | null };
  return handle ?? undefined;
}

/** Takes the handle away from a socket, which then closes and leaves the connection as it is. */
export function takeHandle(socket: Socket): SocketHandle | undefined {
  const handle = handleOf(socket);
  stopReading(socket);
  Object.assign(socket, { _handle: null });
  socket.destroy();
  return handle;
}

/**
 * Bytes that the system has taken of what was written, also of a write that is still under way; undefined once closed. With
 * TLS these are the encrypted ones: above them, a write is taken whole at once.
 */
export function takenBytes(socket: Socket): number | undefined {
  const handle = handleOf(socket);
  if (handle === undefined) return undefined;
  const { _parent: carrier = handle } = handle;
  return carrier.bytesWritten - carrier.writeQueueSize;
}

/**
 * Bytes that have arrived at the other end of what was written: what a client that reads slowly takes shows here from byte to byte,
 * while the system takes megabytes at once. Undefined once closed; other sockets than those of TCP keep little in between.
 */
export function arrivedBytes(socket: Socket): number | undefined {
  const taken = takenBytes(socket);
  return taken === undefined ? undefined : taken - unacknowledged(socket);
}

/** Bytes that were written and have not arrived, as in {@link arrivedBytes}. */
export function bytesUnderWay(socket: Socket): number {
  return untakenBytes(socket) + unacknowledged(socket);
}

function unacknowledged(socket: Socket): number {
  const handle = handleOf(socket);
  const { _parent: carrier = handle } = handle ?? {};
  return carrier?.getpeername === undefined ? 0 : unacknowledgedBytes(carrier.fd);
}

/** Bytes that were written and that the system has not taken yet; with TLS the encrypted ones, as in {@link takenBytes}. */
export function untakenBytes(socket: Socket): number {
  const handle = handleOf(socket);
  if (handle === undefined) return 0;
  const { _parent: carrier = handle } = handle;
  return Math.max(carrier.writeQueueSize, socket.writableLength);
}

/** What a write costs in memory while it waits, besides its bytes, of which there may be only two. */
const bytesPerWrite = 256;

/** What writes that the system has not taken yet hold in memory, in bytes. */
export function heldBytes(socket: Socket): number {
  const { writableLength } = socket;
  if (writableLength === 0) return 0;
  const { _writableState: state } = socket as unknown as { _writableState: { readonly bufferedRequestCount: number } };
  return writableLength + bytesPerWrite * state.bufferedRequestCount;
}

/** Leaves in the system what the client sends from now on. Pausing the stream would not stop its handle at once. */
export function stopReading(socket: Socket): void {
  const handle = handleOf(socket);
  if (handle === undefined) return;
  handle.reading = false;
  handle.readStop();
}

/** Reads on after {@link stopReading}: the stream believes that it never stopped, and would not do it by itself. */
export function startReading(socket: Socket): void {
  const handle = handleOf(socket);
  if (handle === undefined || handle.reading) return;
  handle.reading = true;
  handle.readStart();
}

/** The connection below: of a socket that is encrypted the one that was accepted, and of others themselves. */
export function acceptedSocket(socket: Socket): Socket {
  const { _parent: parent } = socket as unknown as { _parent?: Socket | null };
  return parent ?? socket;
}
