import type { SocketHandle } from "./socket-handle.ts";

/** Where a connection begins and ends; undefined where there is no such thing, as over a unix socket, or any more. */
export interface Endpoints {
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}

interface Name {
  readonly address?: string;
  readonly port?: number;
}

/** Those of a connection that has no socket yet. */
export class HandleEndpoints implements Endpoints {
  readonly #handle: SocketHandle;
  #local: Name | undefined;
  #remote: Name | undefined;

  constructor(handle: SocketHandle) {
    this.#handle = handle;
  }

  get localAddress(): string | undefined {
    return this.#localName.address;
  }

  get localPort(): number | undefined {
    return this.#localName.port;
  }

  get remoteAddress(): string | undefined {
    return this.#remoteName.address;
  }

  get remotePort(): number | undefined {
    return this.#remoteName.port;
  }

  get #localName(): Name {
    if (this.#local === undefined) {
      this.#local = {};
      this.#handle.getsockname?.(this.#local);
    }
    return this.#local;
  }

  get #remoteName(): Name {
    if (this.#remote === undefined) {
      this.#remote = {};
      this.#handle.getpeername?.(this.#remote);
    }
    return this.#remote;
  }
}
