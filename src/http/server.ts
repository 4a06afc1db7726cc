import { closeCodes } from "../close-codes.ts";
import { ServerError } from "../errors.ts";
import { RefusalLog } from "../host/refusal-log.ts";
import type { RoomHost } from "../host/room-host.ts";
import type { Certificates } from "../listening/certificates.ts";
import { Listeners } from "../listening/listeners.ts";
import { checkSockets, type PassedSocket, type Place, placesOf, type ServerAddress } from "../listening/place.ts";
import type { Logger } from "../logger.ts";
import { checkArgs, checkCommand, checkEnvironment, completeOptions, type Options } from "../options.ts";
import { Reloads } from "../reloadable.ts";
import { drainAtOnce } from "../room/drain-plan.ts";
import { Api } from "./api.ts";
import { type Entrance, impliedHosts, openEntrance } from "./entrance.ts";
import { createReceptionists } from "./receptionists.ts";
import { SlowReaders } from "./slow-readers.ts";
import type { StaticFiles } from "./static-files.ts";
import { logStatus } from "./status-report.ts";
import { checkStopOptions, Patience, type StopOptions } from "./stopping.ts";
import { Upgrade } from "./upgrade.ts";
import { workerCount } from "./worker-count.ts";

const httpLimits = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
  maxHeaderSize: 16 * 1024,
  // For the websockets that connections become, too.
  noDelay: true,
};

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
  /** Sockets that listen already, and take the place of the default address. */
  readonly sockets?: readonly PassedSocket[];
};

/** Everything that one running server is made of. */
interface Parts {
  readonly host: RoomHost;
  readonly entrance: Entrance;
  readonly listeners: Listeners;
}

/** Wraps one command and serves it to rooms. Two of them fit in one process. */
export class Server {
  readonly #command: string;
  readonly #args: readonly string[];
  readonly #environment: NodeJS.ProcessEnv;
  readonly #places: readonly Place[];
  readonly #options: Options;
  readonly #logger: Logger;
  readonly #reloads: Reloads;
  #parts: Parts | undefined;
  #workers = 0;
  #starting: Promise<readonly ServerAddress[]> | undefined;
  #stopping: Promise<void> | undefined;
  readonly #patience = new Patience();
  #onStopped: () => void = () => undefined;

  /** Resolves when the server has stopped, be it by `stop`, or by itself after its one client (`oneshot`). */
  readonly stopped: Promise<void> = new Promise((resolve) => {
    this.#onStopped = resolve;
  });

  /** @throws ServerError ERR_USAGE */
  constructor(options: ServerOptions, logger: Logger) {
    // From JavaScript, there may be none.
    const { command, args = [], environment = {}, sockets = [], ...rest } = Object(options) as ServerOptions;
    this.#command = checkCommand(command);
    this.#args = checkArgs(args);
    this.#environment = checkEnvironment(environment);
    this.#options = completeOptions({ workers: 0, ...rest });
    this.#places = placesOf(this.#options, checkSockets(sockets));
    this.#logger = logger;
    this.#reloads = new Reloads(logger);
  }

  /** The hosts that are answered for since nobody has listed any; undefined where all are, or where they are listed. */
  get impliedHosts(): readonly string[] | undefined {
    return impliedHosts(this.#options, this.#places);
  }

  /** How many worker processes have the rooms, once the server has started; 0 where they live in this one. */
  get workers(): number {
    return this.#workers;
  }

  /** Whether it is to stop, or has stopped. */
  get isStopping(): boolean {
    return this.#stopping !== undefined;
  }

  /**
   * Starts to listen and returns where, addresses for clients first. Clients are let in from then on.
   * @throws ServerError ERR_LISTEN, ERR_TLS, ERR_STATIC_DIR, ERR_AUTH_FILE, ERR_LIMITS, ERR_WORKER or ERR_COMMAND_NOT_STARTED
   * (there is no /bin/sh); ERR_USAGE where it was asked to start or stop before.
   */
  async start(): Promise<readonly ServerAddress[]> {
    if (this.#starting !== undefined || this.isStopping) {
      throw new ServerError("ERR_USAGE", "a server can be started once, and not after stop");
    }
    this.#starting = this.#start();
    return this.#starting;
  }

  async #start(): Promise<readonly ServerAddress[]> {
    const parts = await this.#assemble();
    this.#parts = parts;
    try {
      await parts.listeners.open(this.#places);
    } catch (error) {
      await parts.host.drain();
      await parts.entrance.gate.close();
      this.#parts = undefined;
      throw error;
    }
    parts.host.open();
    return parts.listeners.addresses;
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

  /** Ends all processes and connections at once, also workers that are being started; `stop` is then done soon. */
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
    if (parts !== undefined) {
      if (waitMs > 0) this.#logger.info(`going on for ${waitMs / 1000} s, while /health says that the server is going`);
      await this.#patience.wait(waitMs);
      const drained = parts.host.drain({ ...drainAtOnce, code, spreadMs });
      if (this.#patience.lost.aborted) parts.host.kill();
      await drained;
      await parts.entrance.handshakeLimit.close();
      await parts.listeners.close();
      await parts.entrance.gate.close();
    }
    this.#onStopped();
  }

  async #assemble(): Promise<Parts> {
    const { staticDir, stats, api, metrics, basePath, headers } = this.#options;
    const staticFiles = staticDir === undefined ? undefined : await openStaticFiles(staticDir);
    const certificates = await openCertificates(this.#options, this.#logger);
    const entrance = await openEntrance(this.#options, this.#places, this.#logger);
    const read = [staticFiles, certificates, ...entrance.gate.reloadables];
    for (const item of read) if (item !== undefined) this.#reloads.add(item);
    const host = await this.#startHost(entrance);
    const refusals = new RefusalLog(this.#logger);
    const slowReaders = new SlowReaders();
    const answers = {
      host,
      gate: entrance.gate,
      basePath,
      headers,
      hasStats: stats,
      api: api ? new Api(host) : undefined,
      metrics: metrics ? await createMetrics(host, slowReaders, certificates) : undefined,
      staticFiles,
      isDraining: () => this.isStopping,
      refusals,
      slowReaders,
    };
    const receptionists = createReceptionists({
      answers,
      hasAdmin: this.#places.some(({ purpose }) => purpose === "admin"),
      createUpgrade: (requests) => new Upgrade(host, entrance, requests, this.#options, refusals),
      securePort: () => securePort(listeners.addresses),
    });
    const listeners = new Listeners(receptionists, {
      limits: httpLimits,
      certificates,
      onServer: (http) => entrance.waiting.watch(http),
      logger: this.#logger,
    });
    return { host, entrance, listeners };
  }

  /** Nobody comes any more, so there is nothing to wait for. */
  #onOneshotEnd(): void {
    this.#patience.end();
    void this.stop();
  }

  /** Only what is needed is loaded: the rooms themselves, or what watches workers that have them. */
  async #startHost({ tickets }: Entrance): Promise<RoomHost> {
    const options = this.#options;
    const settings = {
      command: this.#command,
      args: this.#args,
      variables: this.#variables(),
      options,
      spares: options.prewarm,
      searchPath: this.#environment["PATH"],
    };
    const workers = workerCount(options, this.#logger);
    this.#workers = workers;
    const onClientGone = (connectionId: number): void => tickets.leave(connectionId);
    if (workers === 0) {
      const { LocalHost } = await import("../host/local-host.ts");
      return LocalHost.start(settings, this.#logger, { onClientGone, onOneshotEnd: () => this.#onOneshotEnd() });
    }
    const { WorkerHost } = await import("../workers/worker-host.ts");
    return WorkerHost.start(workers, settings, this.#logger, onClientGone, this.#patience.lost);
  }

  /** The variables of the server that each process gets. */
  #variables(): [string, string][] {
    return this.#options.passedVariables.flatMap((name) => {
      const value = this.#environment[name];
      return value === undefined ? [] : [[name, value] as [string, string]];
    });
  }
}

async function openCertificates(
  { tlsCert: cert, tlsKey: key, tlsCa: ca }: Options,
  logger: Logger,
): Promise<Certificates | undefined> {
  if (cert === undefined || key === undefined) return undefined;
  const module = await import("../listening/certificates.ts");
  return module.Certificates.open({ cert, key, ca }, logger);
}

/** Where https is spoken first. */
function securePort(addresses: readonly ServerAddress[]): number {
  return addresses.find(({ scheme }) => scheme === "https")?.port ?? 0;
}

/** Loaded only where they are asked for, since each of the two takes as long as all the rest. */
async function openStaticFiles(folder: string): Promise<StaticFiles> {
  const module = await import("./static-files.ts");
  return module.StaticFiles.open(folder);
}

async function createMetrics(host: RoomHost, slowReaders: SlowReaders, certificates: Certificates | undefined) {
  const { MetricsPage } = await import("../metrics/metrics-page.ts");
  return new MetricsPage(async () => ({
    ...(await host.figures()),
    answersCut: slowReaders.cut,
    certificateEndsAtMs: certificates?.endsAtMs,
  }));
}
