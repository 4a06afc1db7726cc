import { closeSync } from "node:fs";
import { type CLibrary, loadCLibrary } from "../system/c-library.ts";
import {
  AF_UNIX,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
  SO_ACCEPTCONN,
  SO_DOMAIN,
  SO_TYPE,
} from "../system/socket-constants.ts";

const familyBytes = 2;
const pathBytes = 108;
const integerBytes = 4;

/** What the system tells of a socket. */
export interface SocketTraits {
  readonly isListening: boolean;
  /** Its path where it is a unix socket, which may be empty. */
  readonly unixPath: string | undefined;
}

/** What the C library can do with sockets and Node cannot. */
export class SocketCalls {
  readonly #library: CLibrary;
  readonly #functions: ReturnType<typeof bind>;

  /** @throws where the C library, or one of its functions, cannot be called. */
  constructor() {
    this.#library = loadCLibrary();
    this.#functions = bind(this.#library);
  }

  /** What one of our descriptors is. @throws where it is no socket. */
  describe(descriptor: number): SocketTraits {
    const isStream = this.#option(descriptor, SO_TYPE) === SOCK_STREAM;
    const isUnix = this.#option(descriptor, SO_DOMAIN) === AF_UNIX;
    return {
      isListening: isStream && this.#option(descriptor, SO_ACCEPTCONN) === 1,
      unixPath: isUnix ? this.#pathOf(descriptor) : undefined,
    };
  }

  /**
   * Sends one datagram to a unix socket; a path that begins with @ is an abstract one. False where too many wait there.
   * @throws where it cannot be sent.
   */
  send(path: string, text: string): boolean {
    const { socket, connect, send } = this.#functions;
    const descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) as number;
    if (descriptor < 0) throw this.#library.lastError("socket");
    try {
      const address = addressOf(path);
      if (connect(descriptor, address, address.length) !== 0) throw this.#library.lastError("connect");
      const bytes = Buffer.from(text);
      if (Number(send(descriptor, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL)) >= 0) return true;
      const error = this.#library.lastError("send");
      if (error.code === "EAGAIN") return false;
      throw error;
    } finally {
      closeSync(descriptor);
    }
  }

  #option(descriptor: number, option: number): number {
    const value = new Int32Array(1);
    const length = Uint32Array.of(integerBytes);
    if (this.#functions.getsockopt(descriptor, SOL_SOCKET, option, value, length) !== 0) {
      throw this.#library.lastError("getsockopt");
    }
    return value[0] as number;
  }

  #pathOf(descriptor: number): string {
    const address = Buffer.alloc(familyBytes + pathBytes);
    const length = Uint32Array.of(address.length);
    if (this.#functions.getsockname(descriptor, address, length) !== 0) throw this.#library.lastError("getsockname");
    const path = address.subarray(familyBytes, length[0]).toString();
    return path.startsWith("\0") ? `@${path.slice(1)}` : path.replace(/\0.*$/s, "");
  }
}

/** A `struct sockaddr_un` without what is not used of it. @throws where the path is too long. */
function addressOf(path: string): Buffer {
  const isAbstract = path.startsWith("@");
  const name = Buffer.from(isAbstract ? `\0${path.slice(1)}` : `${path}\0`);
  if (name.length > pathBytes) throw new Error("the path is too long");
  return Buffer.concat([new Uint8Array(Uint16Array.of(AF_UNIX).buffer), name]);
}

function bind({ find }: CLibrary) {
  return {
    socket: find("int socket(int family, int type, int protocol)"),
    connect: find("int connect(int descriptor, void *address, unsigned int length)"),
    send: find("long send(int descriptor, void *bytes, size_t length, int flags)"),
    getsockopt: find("int getsockopt(int descriptor, int level, int option, void *value, void *length)"),
    getsockname: find("int getsockname(int descriptor, void *address, void *length)"),
  };
}
