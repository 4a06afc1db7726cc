import { once } from "node:events";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { availableParallelism } from "node:os";
import { Gate } from "../access/gate.ts";
import { closeCodes } from "../close-codes.ts";
import { ServerError } from "../errors.ts";
import type { RoomHost } from "../host/room-host.ts";
import type { Logger } from "../logger.ts";
import { completeOptions, type Options } from "../options.ts";
import { Reloads } from "../reloadable.ts";
import { drainAtOnce } from "../room/drain-plan.ts";
import { Api } from "./api.ts";
import { RequestHandler } from "./request-handler.ts";
import type { StaticFiles } from "./static-files.ts";
import { logStatus } from "./status-report.ts";
import { checkStopOptions, Patience, type StopOptions } from "./stopping.ts";
import { Upgrade } from "./upgrade.ts";

const httpLimits = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
  maxHeaderSize: 16 * 1024,
};

/** More workers than that share the cores with too many others by themselves. */
const maxAutoWorkers = 8;

/** What concerns the command line, or is said when the server is to stop. */
type CommandLineOnly = "log" | "verbosity" | "compat" | "config" | "printConfig" | "drainWaitMs" | "drainTimeMs";

/**
 * What a server is made with: the command, and options under the names of the table in options/table.ts. Without `workers`,
 * rooms live in the process that makes the server.
 */
export type ServerOptions = Partial<Omit<Options, CommandLineOnly>> & {
  readonly command: string;
  readonly args?: readonly string[];
  /** Where variables for the processes are taken from (see `passedVariables`): `process.env`, say. Empty by default. */
  readonly environment?: NodeJS.ProcessEnv;
};

/** Everything that one running server is made of. */
interface Parts {
  readonly host: RoomHost;
  readonly http: HttpServer;
}

/** Wraps one command and serves it to rooms. Two of them fit in one process. */
export class Server {
  readonly #command: string;
  readonly #args: readonly string[];
  readonly #environment: NodeJS.ProcessEnv;
  readonly #options: Options;
  readonly #logger: Logger;
  readonly #reloads: Reloads;
  #state: "new" | "running" | "stopping" | "stopped" = "new";
  #parts: Parts | undefined;
  #starting: Promise<AddressInfo> | undefined;
  #stopping: Promise<void> | undefined;
  readonly #patience = new Patience();
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
    this.#options = completeOptions({ workers: 0, ...rest });
    this.#logger = logger;
    this.#reloads = new Reloads(logger);
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
      await this.#listen(parts.http);
    } catch (error) {
      await parts.host.drain();
      throw error;
    }
    parts.host.open();
    this.#state = "running";
    return parts.http.address() as AddressInfo;
  }

  /**
   * Takes nobody new, closes all clients, ends all processes in their steps and then stops listening. Meanwhile
   * `/health` says so. How that is done is for the first call to say.
   * @throws ServerError ERR_USAGE where a time is out of range.
   */
  async stop(how: StopOptions = {}): Promise<void> {
    checkStopOptions(how);
    this.#stopping ??= this.#stop(how);
    return this.#stopping;
  }

  /** Ends all processes and connections at once; `stop` is then done soon. */
  kill(): void {
    this.#patience.lose();
    this.#parts?.host.kill();
  }

  /** Reads again what options name and what can change meanwhile; the log says what. What cannot be read stays as it was. */
  async reload(): Promise<void> {
    await this.#reloads.run();
  }

  /** Writes rooms, clients, queues and memory into the log. */
  async logStatus(): Promise<void> {
    if (this.#parts !== undefined) logStatus(await this.#parts.host.report(), this.#logger);
  }

  async #stop({ waitMs = 0, spreadMs = 0, code = closeCodes.goingAway.code }: StopOptions): Promise<void> {
    // A start under way comes to its end first, be it a good one or not: whoever called it is told.
    await this.#starting?.catch(() => undefined);
    const parts = this.#parts;
    if (parts !== undefined && this.#state === "running") {
      if (waitMs > 0) this.#logger.info(`going on for ${waitMs / 1000} s, while /health says that the server is going`);
      await this.#patience.wait(waitMs);
      this.#state = "stopping";
      const drained = parts.host.drain({ ...drainAtOnce, code, spreadMs });
      if (this.#patience.isLost) parts.host.kill();
      await drained;
      const closed = once(parts.http, "close");
      parts.http.close();
      parts.http.closeAllConnections();
      await closed;
    }
    this.#state = "stopped";
    this.#onStopped();
  }

  async #assemble(): Promise<Parts> {
    const { staticDir, stats, api, metrics, basePath, headers } = this.#options;
    const staticFiles = staticDir === undefined ? undefined : await openStaticFiles(staticDir);
    if (staticFiles !== undefined) this.#reloads.add(staticFiles);
    const host = await this.#startHost();
    const requests = new RequestHandler({
      host,
      basePath,
      headers,
      hasStats: stats,
      api: api ? new Api(host) : undefined,
      metrics: metrics ? await createMetrics(host) : undefined,
      staticFiles,
      isDraining: () => this.#stopping !== undefined,
      logger: this.#logger,
    });
    const upgrade = new Upgrade(host, new Gate(), requests, this.#options, this.#logger);
    const http = createHttpServer(httpLimits, (request, response) => requests.handle(request, response));
    http.on("upgrade", (request, socket, head) => upgrade.handle(request, socket as Socket, head));
    return { host, http };
  }

  /** Nobody comes any more, so there is nothing to wait for. */
  #onOneshotEnd(): void {
    this.#patience.end();
    void this.stop();
  }

  /** Only what is needed is loaded: the rooms themselves, or what watches workers that have them. */
  async #startHost(): Promise<RoomHost> {
    const options = this.#options;
    const settings = {
      command: this.#command,
      args: this.#args,
      variables: this.#variables(),
      options,
      spares: options.prewarm,
      searchPath: this.#environment["PATH"],
    };
    const workers = workerCount(options);
    if (workers === 0) {
      const { LocalHost } = await import("../host/local-host.ts");
      return LocalHost.start(settings, this.#logger, { onOneshotEnd: () => this.#onOneshotEnd() });
    }
    const { WorkerHost } = await import("../workers/worker-host.ts");
    return WorkerHost.start(workers, settings, this.#logger);
  }

  /** The variables of the server that each process gets. */
  #variables(): [string, string][] {
    return this.#options.passedVariables.flatMap((name) => {
      const value = this.#environment[name];
      return value === undefined ? [] : [[name, value] as [string, string]];
    });
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

/** A oneshot server has one client in all, which takes no second process. */
function workerCount({ workers, oneshot }: Options): number {
  if (oneshot) return 0;
  return workers === "auto" ? Math.min(availableParallelism(), maxAutoWorkers) : workers;
}

/** Loaded only where they are asked for, since each of the two takes as long as all the rest. */
async function openStaticFiles(folder: string): Promise<StaticFiles> {
  const module = await import("./static-files.ts");
  return module.StaticFiles.open(folder);
}

async function createMetrics(host: RoomHost) {
  const { MetricsPage } = await import("../metrics/metrics-page.ts");
  return new MetricsPage(() => host.figures());
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
