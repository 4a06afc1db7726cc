import { RefusalLog } from "../host/refusal-log.ts";
import type { RoomHost } from "../host/room-host.ts";
import type { Certificates } from "../listening/certificates.ts";
import { Listeners } from "../listening/listeners.ts";
import type { Place, ServerAddress } from "../listening/place.ts";
import type { Logger } from "../logger.ts";
import type { Environment, Options } from "../options.ts";
import type { Reloads } from "../reloadable.ts";
import { Api } from "./api.ts";
import { type Entrance, openEntrance } from "./entrance.ts";
import { createReceptionists } from "./receptionists.ts";
import { SlowReaders } from "./slow-readers.ts";
import type { StaticFiles } from "./static-files.ts";
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

/** What a server is made for, checked. */
export interface ServerPlan {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Environment;
  readonly options: Options;
  readonly places: readonly Place[];
}

/** What the parts of a server want to know of it, and tell it. */
export interface ServerState {
  readonly isStopping: () => boolean;
  /** The one client of a oneshot server has been served. */
  readonly onOneshotEnd: () => void;
  /** Aborted when a start that is under way is no longer wanted. */
  readonly unwanted: AbortSignal;
}

/** Everything that one running server is made of. */
export interface Parts {
  readonly host: RoomHost;
  readonly entrance: Entrance;
  readonly listeners: Listeners;
  /** How many worker processes have the rooms; 0 where they live in this one. */
  readonly workers: number;
}

/**
 * Makes what a server is made of, and lets all that can be read again be so. Nothing is listened on yet.
 * @throws ServerError ERR_TLS, ERR_STATIC_DIR, ERR_AUTH_FILE, ERR_LIMITS, ERR_WORKER or ERR_COMMAND_NOT_STARTED
 */
export async function assemble(plan: ServerPlan, reloads: Reloads, logger: Logger, state: ServerState): Promise<Parts> {
  const { options, places } = plan;
  const { staticDir, stats, api, metrics, basePath, headers } = options;
  const staticFiles = staticDir === undefined ? undefined : await openStaticFiles(staticDir);
  const certificates = await openCertificates(options, logger);
  const entrance = await openEntrance(options, places, logger);
  const read = [staticFiles, certificates, ...entrance.gate.reloadables];
  for (const item of read) if (item !== undefined) reloads.add(item);
  const workers = workerCount(options, logger);
  const refusals = new RefusalLog(logger);
  const host = await startHost(workers, plan, { tickets: entrance.tickets, refusals }, logger, state).catch(
    async (error: unknown) => {
      await entrance.gate.close();
      throw error;
    },
  );
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
    isDraining: state.isStopping,
    refusals,
    slowReaders,
  };
  const receptionists = createReceptionists({
    answers,
    hasAdmin: places.some(({ purpose }) => purpose === "admin"),
    createUpgrade: (requests) => new Upgrade(host, entrance, requests, options, refusals),
    securePort: () => securePort(listeners.addresses),
  });
  const listeners = new Listeners(receptionists, {
    limits: httpLimits,
    certificates,
    onServer: (http) => entrance.waiting.watch(http),
    logger,
  });
  return { host, entrance, listeners, workers };
}

/** Only what is needed is loaded: the rooms themselves, or what watches workers that have them. */
async function startHost(
  workers: number,
  { command, args, environment, options }: ServerPlan,
  { tickets, refusals }: Pick<Entrance, "tickets"> & { readonly refusals: RefusalLog },
  logger: Logger,
  { onOneshotEnd, unwanted }: ServerState,
): Promise<RoomHost> {
  const settings = {
    command,
    args,
    variables: variablesOf(environment, options.passedVariables),
    options,
    spares: options.prewarm,
    searchPath: environment["PATH"],
  };
  const onClientGone = (connectionId: number): void => tickets.leave(connectionId);
  if (workers === 0) {
    const { LocalHost } = await import("../host/local-host.ts");
    return LocalHost.start(settings, logger, { onClientGone, onOneshotEnd, refusals });
  }
  const { WorkerHost } = await import("../workers/worker-host.ts");
  return WorkerHost.start(workers, settings, logger, { onClientGone, refusals }, unwanted);
}

/** The variables of the server that each process gets. */
function variablesOf(environment: Environment, names: readonly string[]): [string, string][] {
  return names.flatMap((name) => {
    // Every object has something called "constructor", which is no text.
    const value: unknown = environment[name];
    return typeof value === "string" ? [[name, value] as [string, string]] : [];
  });
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
