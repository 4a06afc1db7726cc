import { loadCLibrary } from "./c-library.ts";
import { MSG_DONTWAIT, MSG_PEEK } from "./socket-constants.ts";

/** What stands ready to be read of a connection. */
export interface Peek {
  /** Leaves it where it is: as many bytes as there are and as fit into the buffer. 0 or less where there is nothing. */
  look(descriptor: number, into: Buffer): number;

  /** Takes so many bytes away; false where that fails. */
  take(descriptor: number, bytes: Buffer, length: number): boolean;
}

/** Undefined where that is not to be had, as outside of Linux. */
export function loadPeek(): Peek | undefined {
  try {
    const recv = loadCLibrary().find("long recv(int socket, void *bytes, size_t length, int flags)");
    return {
      look: (descriptor, into) => Number(recv(descriptor, into, into.length, MSG_PEEK | MSG_DONTWAIT)),
      take: (descriptor, bytes, length) => Number(recv(descriptor, bytes, length, MSG_DONTWAIT)) === length,
    };
  } catch {
    return undefined;
  }
}
