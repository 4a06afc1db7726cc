import { closeSync } from "node:fs";
import { type CLibrary, loadCLibrary } from "../system/c-library.ts";
import {
  AF_UNIX,
  MSG_CMSG_CLOEXEC,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SCM_RIGHTS,
  SOCK_CLOEXEC,
  SOCK_SEQPACKET,
  SOL_SOCKET,
} from "../system/socket-constants.ts";

const none = -1;

/** The id of whose descriptor it is. */
const payloadBytes = 4;
/** Of a `struct cmsghdr` with one descriptor, without what fills up its last word, and with it. */
const controlBytes = 20;
const controlSpace = 24;
/** Of a `struct msghdr`. */
const headerBytes = 56;
const wordBytes = 8;

/** Where in one block of memory the structures are, in words of 64 bits; what is half as long stands in the first half. */
const places = {
  payload: 0,
  vector: 1,
  /** The header: a name and its length, the vector and its length, the control data and its size, flags. */
  header: 3,
  controlSize: 8,
  /** The control data: its length, level and type, a descriptor. */
  control: 10,
  levelAndType: 11,
  descriptor: 12,
  end: 13,
};

/** Gives descriptors to another process (SCM_RIGHTS of unix(7)). */
export class DescriptorPassing {
  readonly #library: CLibrary;
  readonly #functions: ReturnType<typeof bind>;
  // Parts of the memory that both calls use.
  readonly #id: Uint32Array;
  readonly #controlSize: BigUint64Array;
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
    words.set([0n, 0n, addressOf(places.vector), 1n, addressOf(places.control)], places.header);
    words[places.control] = BigInt(controlBytes);
    new Int32Array(memory, places.levelAndType * wordBytes).set([SOL_SOCKET, SCM_RIGHTS]);
    this.#id = new Uint32Array(memory, places.payload * wordBytes, 1);
    this.#controlSize = words.subarray(places.controlSize, places.controlSize + 1);
    this.#descriptor = new Int32Array(memory, places.descriptor * wordBytes, 1);
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

  /** Sends somebody's descriptor, which stays ours too; false where the system does not take it now. */
  send(channel: number, descriptor: number, id: number): boolean {
    this.#prepare(descriptor, id);
    return Number(this.#functions.sendmsg(channel, this.#header, MSG_DONTWAIT | MSG_NOSIGNAL)) === payloadBytes;
  }

  /**
   * The descriptor of this id, which is to be the next one that was sent: nobody may be taken for somebody else, and what is
   * before it is closed. Undefined where this process has none left for it, and it is lost.
   */
  receive(channel: number, id: number): number | undefined {
    for (;;) {
      this.#prepare(none, 0);
      const count = this.#functions.recvmsg(channel, this.#header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
      const [descriptor = none] = this.#descriptor;
      const isTheirs = this.#id[0] === id;
      if (descriptor !== none && isTheirs) return descriptor;
      if (descriptor !== none) closeSync(descriptor);
      if (isTheirs || Number(count) !== payloadBytes) return undefined;
    }
  }

  #prepare(descriptor: number, id: number): void {
    this.#controlSize[0] = BigInt(controlSpace);
    this.#descriptor[0] = descriptor;
    this.#id[0] = id;
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
