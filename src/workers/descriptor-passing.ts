import { type CLibrary, loadCLibrary } from "../system/c-library.ts";

// <sys/socket.h>
const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x4000_0000;

/** A message has a byte, since one without any is also the end of the channel. */
const payloadBytes = 1;
/** Of a `struct cmsghdr` with one descriptor, without and with what fills up its last word. */
const controlBytes = 20;
const controlSpace = 24;
const headerBytes = 56;
const wordBytes = 8;

/** Where in one block of memory the structures are, in words of 64 bits. */
const places = { payload: 0, vector: 1, header: 3, control: 10, end: 13 };

/** Gives descriptors to another process (SCM_RIGHTS of unix(7)). */
export class DescriptorPassing {
  readonly #library: CLibrary;
  readonly #functions: ReturnType<typeof bind>;
  /** The size of the control data, in the header. */
  readonly #controlSize: BigUint64Array;
  /** The descriptor, in the control data. */
  readonly #descriptor: Int32Array;
  readonly #header: Uint8Array;

  /** @throws where the C library, or one of its functions, cannot be called. */
  constructor() {
    this.#library = loadCLibrary();
    this.#functions = bind(this.#library);
    const memory = new ArrayBuffer(places.end * wordBytes);
    const words = new BigUint64Array(memory);
    const start = this.#library.koffi.address(words);
    const addressOf = (place: number): bigint => start + BigInt(place * wordBytes);
    words.set([addressOf(places.payload), BigInt(payloadBytes)], places.vector);
    // Without the address of another end, and without flags.
    words.set([0n, 0n, addressOf(places.vector), 1n, addressOf(places.control)], places.header);
    words[places.control] = BigInt(controlBytes);
    const control = new Int32Array(memory, places.control * wordBytes, controlSpace / Int32Array.BYTES_PER_ELEMENT);
    control.set([SOL_SOCKET, SCM_RIGHTS], 2);
    this.#controlSize = words.subarray(places.header + 5, places.header + 6);
    this.#descriptor = control.subarray(4, 5);
    this.#header = new Uint8Array(memory, places.header * wordBytes, headerBytes);
  }

  /** Both ends of a new channel, which no other process inherits unless it is given one. @throws Error of the system. */
  open(): readonly [number, number] {
    const ends = new Int32Array(2);
    if (this.#functions.socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) !== 0) {
      throw this.#library.lastError("socketpair");
    }
    return [ends[0] as number, ends[1] as number];
  }

  /** Sends a descriptor, which stays ours too; false where the system does not take it now. */
  send(channel: number, descriptor: number): boolean {
    this.#prepare(descriptor);
    return Number(this.#functions.sendmsg(channel, this.#header, MSG_DONTWAIT | MSG_NOSIGNAL)) === payloadBytes;
  }

  /** The next descriptor that was sent; undefined where this process has none left for it, and it is lost. */
  receive(channel: number): number | undefined {
    this.#prepare(-1);
    this.#functions.recvmsg(channel, this.#header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    const descriptor = this.#descriptor[0] as number;
    return descriptor < 0 ? undefined : descriptor;
  }

  #prepare(descriptor: number): void {
    this.#controlSize[0] = BigInt(controlSpace);
    this.#descriptor[0] = descriptor;
  }
}

/** Undefined where that is not known, as outside of Linux. */
export function loadDescriptorPassing(): DescriptorPassing | undefined {
  try {
    return new DescriptorPassing();
  } catch {
    return undefined;
  }
}

function bind({ find }: CLibrary) {
  return {
    socketpair: find("int socketpair(int family, int type, int protocol, void *ends)"),
    sendmsg: find("long sendmsg(int socket, void *header, int flags)"),
    recvmsg: find("long recvmsg(int socket, void *header, int flags)"),
  };
}
