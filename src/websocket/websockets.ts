import { messageOf, RefusedError } from "../errors.ts";
import type { ClientEvents, ClientLink } from "../links.ts";
import type { Logger } from "../logger.ts";
import { lendingSocketOf } from "../system/lending-socket.ts";
import { startReading } from "../system/socket-handle.ts";
import type { UnreadConnection } from "../system/unread-connection.ts";
import { Heartbeat, type HeartbeatOptions } from "./heartbeat.ts";
import { loadReceiver } from "./protocol-receiver.ts";
import { type LinkLimits, SocketLink } from "./socket-link.ts";

/** A server that has just started has better things to do than to load what first frames do not need. */
const loadDelayMs = 250;

export interface WebsocketOptions extends LinkLimits, HeartbeatOptions {}

/** A client whose request to become a websocket was found good and has no answer yet. */
export interface Handshake {
  readonly connection: UnreadConnection;
  /** What the client has sent behind its request. */
  readonly head: Buffer;
  /** The answer that completes the handshake. */
  readonly answer: string;
  /** Whether that allows messages to be compressed. */
  readonly isCompressing: boolean;
}

/** Makes websockets of sockets, and keeps an eye on them. */
export class Websockets {
  readonly #limits: LinkLimits;
  readonly #links = new Set<SocketLink>();
  readonly #heartbeat: Heartbeat;
  readonly #onGone: (link: SocketLink) => void;
  #onAllClosed: (() => void) | undefined;

  /** `onClientGone` is told when a connection is closed. */
  constructor(options: WebsocketOptions, logger: Logger, onClientGone: (connectionId: number) => void) {
    this.#limits = options;
    this.#heartbeat = new Heartbeat(this.#links, options);
    loadReceiverAhead(logger);
    this.#onGone = (link) => {
      this.#forget(link);
      onClientGone(link.connectionId);
    };
  }

  /** Completes a handshake. @throws RefusedError where the client is gone. */
  open({ connection, head, answer, isCompressing }: Handshake, events: ClientEvents): ClientLink {
    const { socket: given } = connection;
    if (!given.readable || !given.writable) throw new RefusedError(400, "the client is gone");
    const socket = lendingSocketOf(given);
    socket.write(answer, "latin1");
    if (head.length > 0) socket.unshift(head);
    const link = new SocketLink(socket, events, this.#limits, this.#onGone, isCompressing);
    startReading(socket);
    this.#links.add(link);
    this.#heartbeat.start();
    return link;
  }

  /** Resolves when all connections are closed; those that take longer than that are cut. */
  async closed(withinMs: number): Promise<void> {
    if (this.#links.size === 0) return;
    const timer = setTimeout(() => this.abortAll(), withinMs);
    await new Promise<void>((resolve) => {
      this.#onAllClosed = resolve;
    });
    clearTimeout(timer);
  }

  /** Cuts all connections that are left. */
  abortAll(): void {
    for (const link of this.#links) link.abort();
  }

  #forget(link: SocketLink): void {
    this.#links.delete(link);
    if (this.#links.size === 0) this.#onAllClosed?.();
  }
}

/** Without a descriptor left it cannot be read now, which is no reason to end. */
function loadReceiverAhead(logger: Logger): void {
  let hasTold = false;
  const load = (): void => {
    try {
      loadReceiver();
    } catch (error) {
      if (!hasTold)
        logger.warn(`${messageOf(error)}; whoever sends more than plain messages is closed until that is over`);
      hasTold = true;
      setTimeout(load, loadDelayMs).unref();
    }
  };
  setTimeout(load, loadDelayMs).unref();
}
