import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { messageOf, RefusedError } from "../errors.ts";
import type { JoinRequest } from "../join-request.ts";
import type { Logger } from "../logger.ts";
import { checkRoomName } from "../room-name.ts";
import type { RoomHost } from "../room/room-host.ts";
import { checkHandshake, wantsWebsocket } from "../websocket/handshake.ts";
import type { Websockets } from "../websocket/websockets.ts";
import type { RequestHandler } from "./request-handler.ts";
import { respondText } from "./respond.ts";
import { parseTarget } from "./target.ts";

/** Lets clients in: from an upgrade request to a place in a room. */
export class Upgrade {
  readonly #host: RoomHost;
  readonly #websockets: Websockets;
  readonly #requests: RequestHandler;
  readonly #logger: Logger;

  constructor(host: RoomHost, websockets: Websockets, requests: RequestHandler, logger: Logger) {
    this.#host = host;
    this.#websockets = websockets;
    this.#requests = requests;
    this.#logger = logger;
  }

  handle(request: IncomingMessage, socket: Socket, head: Buffer): void {
    // Whoever goes away during the handshake is of no concern.
    socket.on("error", socketOnError);
    if (isAnswering(socket)) {
      socket.destroy();
      return;
    }
    if (!wantsWebsocket(request)) {
      // Other protocols may be offered at any time; RFC 9110 section 7.8 lets the server go on with HTTP.
      this.#requests.handle(request, responseTo(request, socket));
      return;
    }
    this.#join(request, socket, head).catch((error: unknown) => this.#refuse(request, socket, error));
  }

  async #join(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const joinRequest = toJoinRequest(request, socket);
    checkHandshake(request);
    await this.#host.join(joinRequest, (events) => this.#websockets.open(request, socket, head, events));
  }

  #refuse(request: IncomingMessage, socket: Socket, error: unknown): void {
    if (error instanceof RefusedError) {
      this.#logger.info(`refused with ${error.status}: ${error.message}`);
      respondText(responseTo(request, socket), error.status, error.message, error.headers);
      return;
    }
    this.#logger.error(`handshake failed: ${messageOf(error)}`);
    respondText(responseTo(request, socket), 500, "internal error");
  }
}

/** Not a closure: it lives as long as the socket, and would keep the whole request in memory. */
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

function toJoinRequest(request: IncomingMessage, socket: Socket): JoinRequest {
  const url = request.url ?? "";
  const target = parseTarget(url);
  return {
    room: checkRoomName(target.room),
    pathInfo: target.rest,
    query: target.query,
    url,
    method: request.method ?? "",
    host: request.headers.host ?? "",
    httpVersion: request.httpVersion,
    rawHeaders: request.rawHeaders,
    // An IPv4 client of an IPv6 socket is still an IPv4 client.
    remoteAddress: (socket.remoteAddress ?? "").replace(/^::ffff:(?=\d+\.)/i, ""),
    remotePort: socket.remotePort ?? 0,
    serverPort: socket.localPort ?? 0,
  };
}
