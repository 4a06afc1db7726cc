import { Socket } from "node:net";
import { loadCLibrary } from "../../src/system/c-library.ts";
import { MSG_NOSIGNAL, SOCK_CLOEXEC, SOCK_STREAM } from "../../src/system/socket-constants.ts";

const AF_INET = 2;
/** Of a `struct sockaddr_in`. */
const addressBytes = 16;

const { find } = loadCLibrary();
const socket = find("int socket(int family, int type, int protocol)");
const connect = find("int connect(int descriptor, void *address, unsigned int length)");
const send = find("long send(int descriptor, void *bytes, size_t length, int flags)");

/**
 * Connects to a port of the loopback interface and sends bytes, all of it within the call: a server in this process finds both
 * at once. Each character of a text is a byte.
 */
export function promptSocket(port: number, words: string | Buffer): Socket {
  const bytes = typeof words === "string" ? Buffer.from(words, "latin1") : words;
  const descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) as number;
  const address = Buffer.alloc(addressBytes);
  address.set(new Uint8Array(Uint16Array.of(AF_INET).buffer));
  address.writeUInt16BE(port, 2);
  address.set([127, 0, 0, 1], 4);
  if (connect(descriptor, address, address.length) !== 0) throw new Error(`cannot connect to ${port}`);
  if (Number(send(descriptor, bytes, bytes.length, MSG_NOSIGNAL)) !== bytes.length) throw new Error("cannot send all");
  return new Socket({ fd: descriptor, readable: true, writable: true }).on("error", () => undefined);
}
