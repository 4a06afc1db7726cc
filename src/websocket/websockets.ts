import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import { RefusedError } from "../errors.ts";
import type { ClientEvents, ClientLink } from "../links.ts";
import { Heartbeat } from "./heartbeat.ts";
import { type LinkLimits, SocketLink } from "./socket-link.ts";

/** RFC 6455 section 1.3. */
const acceptGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** `ws` insists on 16 bytes; this key stands in for a client's own of another length. */
const standInKey = Buffer.alloc(16).toString("base64");
/** How long a client may take to answer the close of its connection. */
const closeTimeoutMs = 2000;

export interface WebsocketOptions extends LinkLimits {
  readonly pingIntervalMs: number;
}

/** Makes websockets of sockets, and keeps an eye on them. */
export class Websockets {
  readonly #server: WebSocketServer;
  readonly #heartbeat: Heartbeat;
  readonly #limits: LinkLimits;
  readonly #links = new Set<SocketLink>();
  /** The keys as clients sent them, of handshakes under way. */
  readonly #clientKeys = new WeakMap<IncomingMessage, string>();
  #onAllClosed: (() => void) | undefined;

  constructor(options: WebsocketOptions) {
    // `closeTimeout` is newer than the types of `ws`.
    const serverOptions: ServerOptions & { closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: options.maxMessageBytes,
      closeTimeout: closeTimeoutMs,
    };
    this.#server = new WebSocketServer(serverOptions);
    this.#server.on("headers", (headers, request) => this.#writeAccept(headers, request));
    this.#heartbeat = new Heartbeat(options.pingIntervalMs);
    this.#limits = options;
  }

  /** Completes the handshake of a request that `checkHandshake` has passed. */
  open(request: IncomingMessage, socket: Socket, head: Buffer, events: ClientEvents): ClientLink {
    let link: SocketLink | undefined;
    this.#clientKeys.set(request, request.headers["sec-websocket-key"] ?? "");
    request.headers["sec-websocket-key"] = standInKey;
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      link = new SocketLink(webSocket, socket, events, this.#limits);
      this.#keep(link, webSocket);
    });
    if (link === undefined) throw new RefusedError(400, "handshake is not valid");
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

  #keep(link: SocketLink, webSocket: WebSocket): void {
    this.#links.add(link);
    this.#heartbeat.add(link);
    webSocket.once("close", () => {
      this.#links.delete(link);
      this.#heartbeat.delete(link);
      if (this.#links.size === 0) this.#onAllClosed?.();
    });
  }

  /** The answer is computed from the client's own key, whatever its length. */
  #writeAccept(headers: string[], request: IncomingMessage): void {
    const key = this.#clientKeys.get(request) ?? "";
    const accept = createHash("sha1")
      .update(key + acceptGuid)
      .digest("base64");
    const line = headers.findIndex((header) => header.startsWith("Sec-WebSocket-Accept:"));
    headers[line] = `Sec-WebSocket-Accept: ${accept}`;
  }
}
