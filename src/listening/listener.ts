import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { messageOf, ServerError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { addressText } from "../options.ts";
import type { RequestHead } from "../request-head.ts";
import { deferAccept } from "../system/defer-accept.ts";
import type { UnreadConnection } from "../system/unread-connection.ts";
import type { Certificates } from "./certificates.ts";
import { oneByOne } from "./one-by-one.ts";
import { OpenSockets } from "./open-sockets.ts";
import { isUnix, maxBacklog, nameOf, type Place, type ServerAddress } from "./place.ts";
import { takePromptClients } from "./prompt-clients.ts";
import { UnixSocket } from "./unix-socket.ts";

/** Who answers at an address. */
export interface Receptionist {
  onRequest(request: IncomingMessage, response: ServerResponse): void;

  /** Where it is missing, a request to speak another protocol is a request like any other. */
  onUpgrade?(request: IncomingMessage, socket: Socket, head: Buffer): void;

  /** A request for a websocket that was read before Node could. */
  readonly onPromptClient?: (request: RequestHead, connection: UnreadConnection) => void;
}

/** What holds for all connections. */
export interface ListenerSettings {
  readonly limits: ServerOptions;
  /** Undefined without TLS. */
  readonly certificates: Certificates | undefined;
  /** Told of each server before it listens. */
  readonly onServer: (http: Server) => void;
  readonly logger: Logger;
}

/** One address that is listened on. */
export class Listener {
  readonly #http: Server;
  readonly #sockets: OpenSockets;
  readonly #file: UnixSocket | undefined;
  readonly #logger: Logger;
  readonly address: ServerAddress;

  private constructor(
    http: Server,
    sockets: OpenSockets,
    file: UnixSocket | undefined,
    address: ServerAddress,
    logger: Logger,
  ) {
    this.#http = http;
    this.#sockets = sockets;
    this.#file = file;
    this.address = address;
    this.#logger = logger;
  }

  /** Listens on a place. @throws ServerError ERR_LISTEN that names it. */
  static async open(place: Place, receptionist: Receptionist, settings: ListenerSettings): Promise<Listener> {
    const isSecure = settings.certificates !== undefined && place.purpose === "rooms" && !isUnix(place);
    const http = isSecure ? await createSecure(settings, settings.certificates) : createServer(settings.limits);
    const sockets = new OpenSockets(http);
    settings.onServer(http);
    http.on(
      "request",
      oneByOne((request, response) => receptionist.onRequest(request, response)),
    );
    if (receptionist.onUpgrade !== undefined) {
      http.on("upgrade", (request, socket, head) => receptionist.onUpgrade?.(request, socket as Socket, head));
    }
    const file = await listen(http, place);
    if (!isSecure && receptionist.onPromptClient !== undefined) {
      takePromptClients(http, receptionist.onPromptClient);
      // A socket that was passed is for others, too, once this process is gone.
      if (place.kind === "tcp") deferAccept(http);
    }
    http.on("error", (error) => settings.logger.warn(`a connection cannot be taken: ${messageOf(error)}`));
    const address = describe(http, place, isSecure ? "https" : "http");
    return new Listener(http, sockets, file, address, settings.logger);
  }

  /** Ends all its connections, and takes no more. */
  async close(): Promise<void> {
    await this.#removeFile();
    const closed = once(this.#http, "close");
    this.#http.close();
    this.#sockets.cut();
    await closed;
  }

  async #removeFile(): Promise<void> {
    try {
      await this.#file?.remove();
    } catch (error) {
      this.#logger.warn(`cannot remove ${this.address.name}: ${messageOf(error)}`);
    }
  }
}

/** Loaded only where it is asked for. */
async function createSecure({ limits, logger }: ListenerSettings, certificates: Certificates): Promise<Server> {
  const { createSecureServer } = await import("./secure-server.ts");
  return createSecureServer(limits, certificates, logger);
}

async function listen(http: Server, place: Place): Promise<UnixSocket | undefined> {
  try {
    if (place.kind === "unix") return await UnixSocket.listen(http, place.path, place.mode);
    // Not among the options, where Node overlooks it for a descriptor.
    http.listen(place.kind === "tcp" ? { ...place.address } : { fd: place.socket.descriptor }, maxBacklog);
    await once(http, "listening");
    return undefined;
  } catch (error) {
    http.close();
    if (error instanceof ServerError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new ServerError("ERR_LISTEN", `cannot listen on ${nameOf(place)}: ${reasonOf(code)}`, { cause: error });
  }
}

function describe(http: Server, place: Place, scheme: ServerAddress["scheme"]): ServerAddress {
  const { purpose } = place;
  const bound = http.address();
  if (typeof bound === "object" && bound !== null) {
    const { address: host, port } = bound;
    return { purpose, scheme, name: addressText({ host, port }), host, port, path: undefined };
  }
  const path = pathOf(place);
  return {
    purpose,
    scheme,
    name: path === "" ? nameOf(place) : `unix:${path}`,
    host: undefined,
    port: undefined,
    path,
  };
}

function pathOf(place: Place): string {
  if (place.kind === "unix") return place.path;
  return place.kind === "passed" ? (place.socket.unixPath ?? "") : "";
}

function reasonOf(code: string | undefined): string {
  switch (code) {
    case "EADDRINUSE":
    case "EEXIST":
      return "the address is in use";
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return "no such address on this machine";
    case "ENOENT":
    case "ENOTDIR":
      return "there is no such folder";
    default:
      return code ?? "unknown reason";
  }
}
