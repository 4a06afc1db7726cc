import type { Server } from "node:net";
import { loadCLibrary } from "../../src/system/c-library.ts";
import { listeningHandleOf } from "../../src/system/listening-handle.ts";
import { IPPROTO_TCP, TCP_DEFER_ACCEPT } from "../../src/system/socket-constants.ts";

/** For how many seconds the system waits for the first bytes of a server's connections. */
export function deferredSeconds(server: Server): number | undefined {
  const getsockopt = loadCLibrary().find(
    "int getsockopt(int socket, int level, int option, void *value, void *length)",
  );
  const value = new Int32Array(1);
  getsockopt(listeningHandleOf(server)?.fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, value, Uint32Array.of(value.byteLength));
  return value[0];
}
