import { Socket, type SocketConstructorOpts } from "node:net";
import { stopReading, takeHandle } from "./socket-handle.ts";

/** As much as Node reads at once. With more, what is made of it takes more memory, and nothing is faster. */
const readBytes = 64 * 1024;

/** What all of these sockets read into, one after the other. */
const lent = Buffer.allocUnsafeSlow(readBytes);

/** Node's types know of it only where a socket connects. To list all options by name takes longer than to spread them. */
const reading = { onread: { buffer: lent, callback: onRead } };

/**
 * A socket whose "data" is lent for the time of the event: whoever keeps some of it makes a copy. Reading then allocates
 * nothing and passes by Node's streams, which take longer than all that is done with a short message.
 */
export class LendingSocket extends Socket {
  constructor(options: SocketConstructorOpts) {
    super({ ...options, ...reading });
    // Nothing is read before somebody listens.
    stopReading(this);
  }
}

/**
 * Such a socket for the connection of another one, which closes without it. An encrypted connection stays with its
 * socket, since the encryption is there.
 */
export function lendingSocketOf(socket: Socket): Socket {
  if (socket instanceof LendingSocket || "encrypted" in socket) return socket;
  return connectionOfHandle(takeHandle(socket));
}

const connection = { readable: true, writable: true, allowHalfOpen: true, noDelay: true };

/** Such a socket for the handle of a connection to one of our HTTP servers, which have turned Nagle's algorithm off. */
export function connectionOfHandle(handle: unknown): Socket {
  // Node's types do not know of it.
  const options = { ...connection, handle };
  return new LendingSocket(options);
}

/** The same for a descriptor of such a connection. */
export function connectionOfDescriptor(descriptor: number): Socket {
  return new LendingSocket({ ...connection, fd: descriptor });
}

/** Node calls it as a method of the socket. */
function onRead(this: unknown, count: number): boolean {
  (this as Socket).emit("data", lent.subarray(0, count));
  return true;
}
