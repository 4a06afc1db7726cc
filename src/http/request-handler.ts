import type { IncomingMessage, ServerResponse } from "node:http";
import type { Gate } from "../access/gate.ts";
import type { Visitor } from "../access/visitor.ts";
import type { Header } from "../answer-headers.ts";
import { messageOf, RefusedError } from "../errors.ts";
import type { LogLevel } from "../logger.ts";
import type { RefusalLog } from "../host/refusal-log.ts";
import type { RoomHost } from "../host/room-host.ts";
import { hasBody } from "../request-head.ts";
import type { RoomSummary } from "../room/room-summary.ts";
import type { Api } from "./api.ts";
import type { Endpoint } from "./endpoints.ts";
import type { SlowReaders } from "./slow-readers.ts";
import { redirectToFolder, respond, respondJson, respondText, setHeadersForAll } from "./respond.ts";
import type { StaticFiles } from "./static-files.ts";
import { parseTarget, type Target } from "./target.ts";

/** What can be asked of an open room at `/<room>/stats`. */
const statistics: Readonly<Record<string, (room: RoomSummary) => number>> = {
  connections: (room) => room.connections,
};

const statsPath = /^\/stats(?:\/([^/]*))?$/;
const healthPath = "/health";

/** A page that is made anew for each request. */
interface Page {
  readonly contentType: string;
  render(): Promise<string>;
}

export interface RequestHandlerOptions {
  /** What there is at the address that the requests come to. */
  readonly endpoints: ReadonlySet<Endpoint>;
  readonly host: RoomHost;
  readonly gate: Gate;
  readonly basePath: string;
  /** Headers of all answers. */
  readonly headers: readonly Header[];
  readonly hasStats: boolean;
  readonly api: Api | undefined;
  readonly metrics: Page | undefined;
  readonly staticFiles: StaticFiles | undefined;
  readonly isDraining: () => boolean;
  readonly refusals: RefusalLog;
  readonly slowReaders: SlowReaders;
}

/** Answers all requests that do not ask for a websocket (spec section 2). */
export class RequestHandler {
  readonly #options: RequestHandlerOptions;

  constructor(options: RequestHandlerOptions) {
    this.#options = options;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const { headers, slowReaders } = this.#options;
    slowReaders.watch(request, response);
    // No answer waits for a body, so nobody is to take its end for the beginning of another request.
    if (hasBody(request)) response.shouldKeepAlive = false;
    setHeadersForAll(response, headers);
    this.#answer(request, response).catch((error: unknown) => {
      this.#note(request, "error", `request failed: ${messageOf(error)}`);
      if (response.headersSent) response.destroy();
      else respondText(response, 500, "internal error");
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const visitor = this.#options.gate.recognize(request);
      if (request.method !== "GET" && request.method !== "HEAD") {
        throw new RefusedError(405, "only GET and HEAD are allowed", { Allow: "GET, HEAD" });
      }
      const url = request.url ?? "";
      // Who asks for it knows the server's address, and need not know which part of a site it is.
      const isHealth = parseTarget(url).path === healthPath && this.#options.endpoints.has("health");
      if (isHealth) this.#answerHealth(response);
      else await this.#route(parseTarget(url, this.#options.basePath), visitor, request, response);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      if (error.detail !== "") this.#note(request, "info", error.logLine);
      respondText(response, error.status, error.message, error.headers);
    }
  }

  #note(request: IncomingMessage, level: LogLevel, message: string): void {
    this.#options.refusals.note(level, message, () => this.#options.gate.addressOf(request));
  }

  async #route(target: Target, visitor: Visitor, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { gate, endpoints, basePath, api, metrics, staticFiles } = this.#options;
    const endpoint = this.#endpointOf(target);
    // Health is open to everybody: who asks, such as a balancer, has nothing to show.
    if (endpoint !== "health") await gate.guard(request, visitor);
    if (!endpoints.has(endpoint)) respondText(response, 404, "not found");
    else if (target.path === "") redirectToFolder(request, response);
    else if (endpoint === "health") this.#answerHealth(response);
    else if (endpoint === "metrics") await answerMetrics(metrics, response);
    else if (endpoint === "api") await api?.answer(target.rest, response);
    else if (endpoint === "stats") await this.#answerStats(target.room, statisticIn(target), response);
    else if (staticFiles !== undefined) await staticFiles.serve(request, response, target.path);
    else respondText(response, 404, notFoundText(visitor, target, basePath));
  }

  #endpointOf(target: Target): Endpoint {
    const { hasStats, api } = this.#options;
    if (target.path === healthPath) return "health";
    if (target.path === "/metrics") return "metrics";
    if (api !== undefined && target.room === "api") return "api";
    return hasStats && statsPath.test(target.rest) ? "stats" : "files";
  }

  #answerHealth(response: ServerResponse): void {
    if (this.#options.isDraining()) respondJson(response, 503, { status: "draining" });
    else respondJson(response, 200, { status: "ok" });
  }

  async #answerStats(name: string, statistic: string | undefined, response: ServerResponse): Promise<void> {
    const room = await this.#options.host.find(name);
    if (room === undefined) {
      respondText(response, 404, "room is not open");
    } else if (statistic === undefined) {
      const values = Object.entries(statistics).map(([key, read]) => [key, read(room)]);
      respondJson(response, 200, Object.fromEntries(values));
    } else if (Object.hasOwn(statistics, statistic)) {
      respondJson(response, 200, statistics[statistic]?.(room));
    } else {
      respondText(response, 404, `unknown statistic; known: ${Object.keys(statistics).join(", ")}`);
    }
  }
}

function statisticIn({ rest }: Target): string | undefined {
  return statsPath.exec(rest)?.[1];
}

async function answerMetrics(metrics: Page | undefined, response: ServerResponse): Promise<void> {
  if (metrics === undefined) {
    respondText(response, 404, "metrics are off; start the server with --metrics");
    return;
  }
  respond(response, 200, await metrics.render(), { "Content-Type": metrics.contentType, "Cache-Control": "no-store" });
}

/** Whoever opens the server in a browser learns what it is for. */
function notFoundText({ scheme, host }: Visitor, target: Target, basePath: string): string {
  if (target.path !== "/") return "not found";
  const base = `${scheme === "https" ? "wss" : "ws"}://${host || "<host>"}${basePath}`;
  return `ScaleSocket is running. Connect a websocket to ${base}/<room>, or serve files with --staticdir.`;
}
