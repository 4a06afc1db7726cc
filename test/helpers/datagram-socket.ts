import { closeSync } from "node:fs";
import { loadCLibrary } from "../../src/system/c-library.ts";
import { AF_UNIX, MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_DGRAM } from "../../src/system/socket-constants.ts";

const maxBytes = 4096;

const { find } = loadCLibrary();
const socket = find("int socket(int family, int type, int protocol)");
const bind = find("int bind(int descriptor, void *address, unsigned int length)");
const recv = find("long recv(int descriptor, void *bytes, size_t length, int flags)");

/** A unix socket for datagrams, such as the one of a service manager; Node has none. */
export interface DatagramSocket extends Disposable {
  /** All that has come so far. */
  received(): readonly string[];
}

/** Listens on a path; one that begins with @ is abstract. */
export function datagramSocket(path: string): DatagramSocket {
  const descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) as number;
  const name = Buffer.from(path.startsWith("@") ? `\0${path.slice(1)}` : `${path}\0`);
  const address = Buffer.concat([new Uint8Array(Uint16Array.of(AF_UNIX).buffer), name]);
  if (bind(descriptor, address, address.length) !== 0) throw new Error(`cannot bind ${path}`);
  const messages: string[] = [];
  const buffer = Buffer.alloc(maxBytes);
  return {
    received() {
      for (;;) {
        const length = Number(recv(descriptor, buffer, buffer.length, MSG_DONTWAIT));
        if (length < 0) return messages;
        messages.push(buffer.toString("utf8", 0, length));
      }
    },
    [Symbol.dispose]: () => closeSync(descriptor),
  };
}
