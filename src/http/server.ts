import { once } from "node:events";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { ServerError } from "../errors.ts";
import { createFraming } from "../framing/create-framing.ts";
import type { Logger } from "../logger.ts";
import { completeOptions, type Options } from "../options.ts";
import { createSpawner } from "../process/create-spawner.ts";
import { Guardian } from "../process/guardian.ts";
import { Program } from "../process/program.ts";
import type { Spawner } from "../process/spawner.ts";
import { Counters } from "../room/counters.ts";
import { DropLog } from "../room/drop-log.ts";
import { Histories } from "../room/histories.ts";
import type { SpawnTime } from "../room/room-context.ts";
import { Rooms } from "../room/rooms.ts";
import { compileTemplate } from "../room/template.ts";
import { software } from "../version.ts";
import { frameFormat } from "../websocket/frame.ts";
import { Websockets } from "../websocket/websockets.ts";
import { RequestHandler } from "./request-handler.ts";
import type { StaticFiles } from "./static-files.ts";
import { Upgrade } from "./upgrade.ts";

const httpLimits = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
  maxHeaderSize: 16 * 1024,
};

/** How long clients may take to say goodbye once all processes are gone. */
const goodbyeMs = 1000;

/** What a server is made with: the command, and options under the names of the table in option-table.ts. */
export type ServerOptions = Partial<Omit<Options, "logJson" | "verbosity" | "compat">> & {
  readonly command: string;
  readonly args?: readonly string[];
  /** Where variables for the processes are taken from (see `passedVariables`): `process.env`, say. Empty by default. */
  readonly environment?: NodeJS.ProcessEnv;
};

/** Everything that one running server is made of. */
interface Parts {
  readonly spawner: Spawner;
  readonly guardian: Guardian;
  readonly rooms: Rooms;
  readonly websockets: Websockets;
  readonly http: HttpServer;
}

/** Wraps one command and serves it to rooms. Two of them fit in one process. */
export class Server {
  readonly #command: string;
  readonly #args: readonly string[];
  readonly #environment: NodeJS.ProcessEnv;
  readonly #options: Options;
  readonly #logger: Logger;
  #state: "new" | "running" | "stopping" | "stopped" = "new";
  #parts: Parts | undefined;
  #starting: Promise<AddressInfo> | undefined;
  #stopping: Promise<void> | undefined;
  #onStopped: () => void = () => undefined;

  /** Resolves when the server has stopped, be it by `stop`, or by itself after its one client (`oneshot`). */
  readonly stopped: Promise<void> = new Promise((resolve) => {
    this.#onStopped = resolve;
  });

  /** @throws ServerError ERR_USAGE */
  constructor(options: ServerOptions, logger: Logger) {
    const { command, args = [], environment = {}, ...rest } = options;
    this.#command = command;
    this.#args = args;
    this.#environment = environment;
    this.#options = completeOptions(rest);
    this.#logger = logger;
  }

  /**
   * Starts to listen and returns where. Clients are let in from then on.
   * @throws ServerError ERR_LISTEN, ERR_STATIC_DIR or ERR_COMMAND_NOT_STARTED (there is no /bin/sh)
   */
  async start(): Promise<AddressInfo> {
    if (this.#state !== "new") throw new ServerError("ERR_USAGE", "a server can be started once");
    this.#starting = this.#start();
    return this.#starting;
  }

  async #start(): Promise<AddressInfo> {
    const parts = await this.#assemble();
    this.#parts = parts;
    try {
      await parts.guardian.start();
      await this.#listen(parts.http);
    } catch (error) {
      release(parts);
      throw error;
    }
    this.#state = "running";
    return parts.http.address() as AddressInfo;
  }

  /**
   * Takes nobody new, closes all clients, ends all processes in their steps and then stops listening. Meanwhile
   * `/health` says so.
   */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Ends all processes and connections at once; `stop` is then done soon. */
  kill(): void {
    this.#parts?.rooms.kill();
    this.#parts?.websockets.abortAll();
  }

  async #stop(): Promise<void> {
    // A start under way comes to its end first, be it a good one or not: whoever called it is told.
    await this.#starting?.catch(() => undefined);
    const parts = this.#parts;
    if (parts !== undefined && this.#state === "running") {
      this.#state = "stopping";
      await parts.rooms.drain();
      await parts.websockets.closed(goodbyeMs);
      const closed = once(parts.http, "close");
      parts.http.close();
      parts.http.closeAllConnections();
      await closed;
      release(parts);
    }
    this.#state = "stopped";
    this.#onStopped();
  }

  async #assemble(): Promise<Parts> {
    const options = this.#options;
    const counters = new Counters();
    const staticFiles = options.staticDir === undefined ? undefined : await openStaticFiles(options.staticDir);
    const metrics = options.metrics ? await createMetrics(counters, () => rooms.list()) : undefined;
    const spawner = createSpawner(this.#logger);
    const guardian = new Guardian(spawner, this.#logger);
    const rooms = this.#createRooms(this.#createProgram(spawner, guardian), counters, metrics?.spawnTime);
    const websockets = new Websockets(options);
    const requests = new RequestHandler({
      host: rooms,
      hasStats: options.stats,
      metrics,
      staticFiles,
      isDraining: () => this.#state === "stopping",
      logger: this.#logger,
    });
    const upgrade = new Upgrade(rooms, websockets, requests, this.#logger);
    const http = createHttpServer(httpLimits, (request, response) => requests.handle(request, response));
    http.on("upgrade", (request, socket, head) => upgrade.handle(request, socket as Socket, head));
    return { spawner, guardian, rooms, websockets, http };
  }

  #createProgram(spawner: Spawner, guardian: Guardian): Program {
    const { passedVariables, tcp, tcpPorts, killGraceMs, attachDelayMs } = this.#options;
    const variables = new Map<string, string>();
    for (const name of passedVariables) {
      const value = this.#environment[name];
      if (value !== undefined) variables.set(name, value);
    }
    const program = {
      command: this.#command,
      args: this.#args,
      passedVariables: variables,
      software,
      tcpPorts: tcp ? tcpPorts : undefined,
      killGraceMs,
      attachDelayMs,
    };
    return new Program(program, spawner, guardian);
  }

  #createRooms(program: Program, counters: Counters, spawnTime: SpawnTime = { observe: () => undefined }): Rooms {
    const options = this.#options;
    const { joinMessage, leaveMessage, oneshot } = options;
    const context = {
      framing: createFraming(options),
      wire: frameFormat,
      launcher: program,
      limits: options,
      joinMessage: joinMessage === undefined ? undefined : compileTemplate(joinMessage, software),
      leaveMessage: leaveMessage === undefined ? undefined : compileTemplate(leaveMessage, software),
      histories: Histories.create(options),
      counters,
      spawnTime,
      logger: this.#logger,
      dropLog: new DropLog(this.#logger),
    };
    return new Rooms(context, oneshot ? { onOneshotEnd: () => void this.stop() } : {});
  }

  async #listen(http: HttpServer): Promise<void> {
    const { host, port } = this.#options.address;
    http.listen({ host, port });
    try {
      await once(http, "listening");
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new ServerError("ERR_LISTEN", `cannot listen on ${host}:${port}: ${reasonOf(code)}`, { cause: error });
    }
  }
}

/** Loaded only where they are asked for, since each of the two takes as long as all the rest. */
async function openStaticFiles(folder: string): Promise<StaticFiles> {
  const module = await import("./static-files.ts");
  return module.StaticFiles.open(folder);
}

async function createMetrics(counters: Counters, rooms: Rooms["list"]) {
  const { MetricsPage } = await import("../metrics/metrics-page.ts");
  return new MetricsPage({ counters, rooms });
}

function release({ guardian, spawner }: Parts): void {
  guardian.stop();
  spawner.close();
}

function reasonOf(code: string | undefined): string {
  switch (code) {
    case "EADDRINUSE":
      return "the address is in use";
    case "EACCES":
      return "permission denied";
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return "no such address on this machine";
    default:
      return code ?? "unknown reason";
  }
}
