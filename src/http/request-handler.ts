import type { IncomingMessage, ServerResponse } from "node:http";
import type { Header } from "../answer-headers.ts";
import { messageOf, RefusedError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { RoomHost } from "../host/room-host.ts";
import type { RoomSummary } from "../room/room-summary.ts";
import type { Api } from "./api.ts";
import { redirectToFolder, respond, respondJson, respondText } from "./respond.ts";
import type { StaticFiles } from "./static-files.ts";
import { parseTarget, type Target } from "./target.ts";

/** What can be asked of an open room at `/<room>/stats`. */
const statistics: Readonly<Record<string, (room: RoomSummary) => number>> = {
  connections: (room) => room.connections,
};

/** A page that is made anew for each request. */
interface Page {
  readonly contentType: string;
  render(): Promise<string>;
}

export interface RequestHandlerOptions {
  readonly host: RoomHost;
  readonly basePath: string;
  /** Headers of all answers. */
  readonly headers: readonly Header[];
  readonly hasStats: boolean;
  readonly api: Api | undefined;
  readonly metrics: Page | undefined;
  readonly staticFiles: StaticFiles | undefined;
  readonly isDraining: () => boolean;
  readonly logger: Logger;
}

/** Answers all requests that do not ask for a websocket (spec section 2). */
export class RequestHandler {
  readonly #options: RequestHandlerOptions;

  constructor(options: RequestHandlerOptions) {
    this.#options = options;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    for (const { name, value } of this.#options.headers) response.appendHeader(name, value);
    this.#answer(request, response).catch((error: unknown) => {
      this.#options.logger.error(`request failed: ${messageOf(error)}`);
      if (response.headersSent) response.destroy();
      else respondText(response, 500, "internal error");
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== "GET" && request.method !== "HEAD") {
      respondText(response, 405, "only GET and HEAD are allowed", { Allow: "GET, HEAD" });
      return;
    }
    try {
      const url = request.url ?? "";
      // Who asks for it knows the server's address, and need not know which part of a site it is.
      if (parseTarget(url).path === "/health") this.#answerHealth(response);
      else await this.#route(parseTarget(url, this.#options.basePath), request, response);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      respondText(response, error.status, error.message, error.headers);
    }
  }

  async #route(target: Target, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { basePath, hasStats, api, metrics, staticFiles } = this.#options;
    const statsPath = /^\/stats(?:\/([^/]*))?$/.exec(target.rest);
    if (target.path === "") redirectToFolder(request, response);
    else if (target.path === "/health") this.#answerHealth(response);
    else if (target.path === "/metrics") await answerMetrics(metrics, response);
    else if (api !== undefined && target.room === "api") await api.answer(target.rest, response);
    else if (hasStats && statsPath !== null) await this.#answerStats(target.room, statsPath[1], response);
    else if (staticFiles !== undefined) await staticFiles.serve(request, response, target.path);
    else respondText(response, 404, notFoundText(request, target, basePath));
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

async function answerMetrics(metrics: Page | undefined, response: ServerResponse): Promise<void> {
  if (metrics === undefined) {
    respondText(response, 404, "metrics are off; start the server with --metrics");
    return;
  }
  respond(response, 200, await metrics.render(), { "Content-Type": metrics.contentType, "Cache-Control": "no-store" });
}

/** Whoever opens the server in a browser learns what it is for. */
function notFoundText(request: IncomingMessage, target: Target, basePath: string): string {
  if (target.path !== "/") return "not found";
  const host = request.headers.host ?? "<host>";
  return `ScaleSocket is running. Connect a websocket to ws://${host}${basePath}/<room>, or serve files with --staticdir.`;
}
