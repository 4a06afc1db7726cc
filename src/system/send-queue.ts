import { loadCLibrary } from "./c-library.ts";

// <linux/sockios.h>
const SIOCOUTQ = 0x5411;

type Ask = (descriptor: number) => number;

let ask: Ask | undefined;

/**
 * Bytes of a TCP connection that the system has taken and the other end has not acknowledged (SIOCOUTQ of tcp(7)); 0 where that
 * cannot be found out, as outside of Linux.
 */
export function unacknowledgedBytes(descriptor: number): number {
  ask ??= load();
  return ask(descriptor);
}

function load(): Ask {
  try {
    const ioctl = loadCLibrary().find("int ioctl(int descriptor, unsigned long request, ...)");
    const count = new Int32Array(1);
    return (descriptor) => (ioctl(descriptor, SIOCOUTQ, "void *", count) === 0 ? (count[0] as number) : 0);
  } catch {
    return () => 0;
  }
}
