import { type IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Gate } from "../access/gate.ts";
import type { Places } from "../access/places.ts";
import { RefusedError } from "../errors.ts";
import { refuse } from "../host/refusal.ts";
import type { RoomHost } from "../host/room-host.ts";
import type { Logger } from "../logger.ts";
import { checkRoomName } from "../room-name.ts";
import { stopReading } from "../socket-handle.ts";
import { answerHandshake, wantsWebsocket } from "../websocket/handshake.ts";
import type { Admissions } from "./admissions.ts";
import type { RequestHandler } from "./request-handler.ts";
import { parseTarget } from "./target.ts";

const maxConnectionId = 0xffff_ffff;
const retryAfterS = 5;

/** What clients pass on their way in. */
export interface Entrance {
  readonly gate: Gate;
  readonly admissions: Admissions;
  readonly places: Places;
}

/** Lets clients in: from an upgrade request to the host of its room. */
export class Upgrade {
  readonly #host: RoomHost;
  readonly #entrance: Entrance;
  readonly #requests: RequestHandler;
  readonly #logger: Logger;
  #lastConnectionId = 0;

  constructor(host: RoomHost, entrance: Entrance, requests: RequestHandler, logger: Logger) {
    this.#host = host;
    this.#entrance = entrance;
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
    // What the client sends from now on is for its room, which may be in another process.
    stopReading(socket);
    this.#admit(request, socket, head).catch((error: unknown) => refuse(socket, error, this.#logger, request.method));
  }

  async #admit(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const { gate, admissions, places } = this.#entrance;
    const target = parseTarget(request.url ?? "");
    const room = checkRoomName(target.room);
    const answer = answerHandshake(request);
    const { visitor, place } = await admissions.run(() => gate.admit(request, { room, query: target.query }));
    try {
      const connectionId = this.#nextConnectionId();
      const joinRequest = {
        ...visitor,
        connectionId,
        room,
        pathInfo: target.rest,
        method: request.method ?? "",
        httpVersion: request.httpVersion,
      };
      places.keep(place, connectionId);
      this.#host.admit(joinRequest, { socket, head, answer });
    } catch (error) {
      place?.leave();
      throw error;
    }
  }

  #nextConnectionId(): number {
    if (this.#lastConnectionId === maxConnectionId) {
      throw RefusedError.forNow("server is out of client ids", retryAfterS);
    }
    this.#lastConnectionId += 1;
    return this.#lastConnectionId;
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
