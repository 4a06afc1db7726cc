import type { Server } from "node:net";
import { loadCLibrary } from "./c-library.ts";
import { listeningHandleOf } from "./listening-handle.ts";
import { IPPROTO_TCP, TCP_DEFER_ACCEPT } from "./socket-constants.ts";

const seconds = 1;

/**
 * Has the system hand out the connections of a listening TCP server when the first bytes of each are there, or a second after it was made
 * (TCP_DEFER_ACCEPT of tcp(7)). Where that is not to be had, as outside of Linux, they come at once as ever.
 */
export function deferAccept(server: Server): void {
  const descriptor = listeningHandleOf(server)?.fd;
  if (descriptor === undefined) return;
  try {
    const setsockopt = loadCLibrary().find(
      "int setsockopt(int socket, int level, int option, void *value, unsigned int length)",
    );
    const value = Int32Array.of(seconds);
    setsockopt(descriptor, IPPROTO_TCP, TCP_DEFER_ACCEPT, value, value.byteLength);
  } catch {
    // Nothing depends on it.
  }
}
