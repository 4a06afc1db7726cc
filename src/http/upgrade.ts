import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Visitor } from "../access/visitor.ts";
import type { RefusalLog } from "../host/refusal-log.ts";
import { refuse } from "../host/refusal.ts";
import type { RoomHost } from "../host/room-host.ts";
import { headersOf, type JoinRequest } from "../join-request.ts";
import type { Options } from "../options.ts";
import type { RequestHead } from "../request-head.ts";
import { checkRoomName } from "../room-name.ts";
import { stopReading } from "../system/socket-handle.ts";
import { UnreadConnection } from "../system/unread-connection.ts";
import { answerHandshake, wantsWebsocket } from "../websocket/handshake.ts";
import { ConnectionIds } from "./connection-ids.ts";
import type { Entrance } from "./entrance.ts";
import type { RequestHandler } from "./request-handler.ts";
import { parseTarget } from "./target.ts";

const nothing = Buffer.alloc(0);

/** Options of the server, by their names. */
type UpgradeOptions = Pick<Options, "basePath" | "compress" | "headers" | "subprotocols">;

/** Lets clients in: from an upgrade request to the host of its room. */
export class Upgrade {
  readonly #host: RoomHost;
  readonly #entrance: Entrance;
  readonly #requests: RequestHandler;
  readonly #options: UpgradeOptions;
  readonly #refusals: RefusalLog;
  readonly #ids = new ConnectionIds();

  constructor(host: RoomHost, entrance: Entrance, requests: RequestHandler, options: UpgradeOptions, log: RefusalLog) {
    this.#host = host;
    this.#entrance = entrance;
    this.#requests = requests;
    this.#options = options;
    this.#refusals = log;
  }

  /** Takes a request for another protocol, which may be none that is spoken here. */
  handle(request: IncomingMessage, socket: Socket, head: Buffer): void {
    this.#entrance.waiting.letGo(request);
    socket.on("error", socketOnError);
    if (isAnswering(socket) || !socket.writable) {
      socket.destroy();
      return;
    }
    if (!wantsWebsocket(request)) {
      // Other protocols may be offered at any time; RFC 9110 section 7.8 lets the server go on with HTTP.
      this.#requests.handle(request, responseTo(request, socket));
      return;
    }
    // What the client sends from now on is for its room, which may be in another process.
    stopReading(socket);
    this.letIn(request, UnreadConnection.ofSocket(socket), head);
  }

  /** Lets a client in that asks for a websocket. `head` is what was read behind its request. */
  letIn(request: RequestHead, connection: UnreadConnection, head: Buffer = nothing): void {
    this.#admit(request, connection, head).catch((error: unknown) => this.#refuse(request, connection, error));
  }

  #refuse(request: RequestHead, { socket }: UnreadConnection, error: unknown): void {
    const addressOf = (): string => this.#entrance.gate.addressOf(request);
    refuse(socket, error, this.#refusals, { method: request.method, headers: this.#options.headers, addressOf });
  }

  async #admit(request: RequestHead, connection: UnreadConnection, head: Buffer): Promise<void> {
    const { gate, handshakeLimit, tickets } = this.#entrance;
    const { basePath } = this.#options;
    const target = parseTarget(request.url ?? "", basePath);
    const room = checkRoomName(target.room, basePath);
    const { text: answer, subprotocol, isCompressing } = answerHandshake(request, this.#options);
    const guest = await handshakeLimit.run(() => gate.admit(request, { room, query: target.query }));
    const { visitor, identity, ticket } = guest;
    try {
      const connectionId = this.#ids.next();
      // Each by its name: to spread one object into another takes longer than the rest of this.
      const joinRequest: JoinRequest = {
        connectionId,
        room,
        basePath,
        pathInfo: target.rest,
        query: visitor.query,
        url: visitor.url,
        method: request.method ?? "",
        host: visitor.host,
        httpVersion: request.httpVersion,
        rawHeaders: this.#rawHeaders(visitor, subprotocol),
        remoteAddress: visitor.remoteAddress,
        remotePort: visitor.remotePort,
        serverPort: visitor.serverPort,
        scheme: visitor.scheme,
        identity,
        tlsSubject: visitor.tlsSubject,
      };
      tickets.keep(ticket, connectionId);
      this.#host.admit(joinRequest, { connection, head, answer, isCompressing });
    } catch (error) {
      ticket?.giveBack();
      throw error;
    }
  }

  #rawHeaders({ rawHeaders }: Visitor, subprotocol: string | undefined): readonly string[] {
    return this.#options.subprotocols === undefined ? rawHeaders : withSubprotocol(rawHeaders, subprotocol);
  }
}

/**
 * Whoever goes away during the handshake is of no concern. Not a closure: it lives as long as the socket, and would keep the whole
 * request in memory.
 */
function socketOnError(): void {}

/** Whether an earlier request on the same socket, sent without waiting, has no answer yet: both cannot use it at once. */
function isAnswering(socket: Socket): boolean {
  const { _httpMessage: answer } = socket as unknown as { _httpMessage?: ServerResponse | null };
  return answer !== undefined && answer !== null;
}

/** A plain answer on a socket that was taken for another protocol; the connection ends with it. */
function responseTo(request: IncomingMessage, socket: Socket): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  // Node has let go of the socket, and would not tell a large answer to go on.
  socket.on("drain", () => response.emit("drain"));
  response.on("finish", () => socket.destroySoon());
  return response;
}

/** The headers with the subprotocol that was chosen in place of those that the client had offered. */
function withSubprotocol(rawHeaders: readonly string[], subprotocol: string | undefined): string[] {
  const kept: string[] = [];
  for (const [name, value] of headersOf(rawHeaders)) {
    if (name.toLowerCase() !== "sec-websocket-protocol") kept.push(name, value);
  }
  return subprotocol === undefined ? kept : [...kept, "Sec-WebSocket-Protocol", subprotocol];
}
