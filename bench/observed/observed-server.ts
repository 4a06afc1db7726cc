import { get, type IncomingMessage } from "node:http";
import { childrenOf, openDescriptors, processesWith, residentBytes, serverProcesses } from "../server/proc.ts";
import type { RunningServer } from "../server/running-server.ts";

/** The metric that has one series for each open room. */
const roomSeries = /^scalesocket_websocket_connections_open\{room="([^"]*)"\}/gm;
const dropSeries = /^scalesocket_messages_dropped_total\{reason="([^"]*)"\} ([1-9]\d*)/gm;

/** Metrics that tell how much of what can happen has happened. */
const eventSeries =
  /^scalesocket_((?:output_pauses|input_pauses|slow_clients_closed|processes_ended)_total\S*) (\d+)/gm;

const answerTimeoutMs = 5000;

/** What a server holds on to. */
export interface Holdings {
  readonly descriptors: number;
  readonly residentBytes: number;
  /** Of the JavaScript heap of the process that was started, after a full garbage collection. */
  readonly heapBytes: number;
  /** Of buffers. */
  readonly bufferBytes: number;
}

/** A server as it can be seen from outside, and through its probe. */
export class ObservedServer {
  readonly server: RunningServer;
  /** A variable that all processes of the server have, and what they start. */
  readonly #mark: string;
  readonly #prefix: string;

  /** `prefix` is what stands before all paths. */
  constructor(server: RunningServer, mark: string, prefix = "") {
    this.server = server;
    this.#mark = mark;
    this.#prefix = prefix;
  }

  async holdings(): Promise<Holdings> {
    const memory = (await this.server.ask("memory")) as NodeJS.MemoryUsage;
    const { pid } = this.server;
    return {
      descriptors: openDescriptors(pid),
      residentBytes: residentBytes(pid),
      heapBytes: memory.heapUsed,
      bufferBytes: memory.arrayBuffers,
    };
  }

  async openRooms(): Promise<string[]> {
    const page = await this.fetch("/metrics");
    return Array.from(page.matchAll(roomSeries), ([, room]) => room ?? "");
  }

  /** Why messages were dropped, and how many. */
  async drops(): Promise<Map<string, number>> {
    const page = await this.fetch("/metrics");
    return new Map(Array.from(page.matchAll(dropSeries), ([, reason, count]) => [reason ?? "", Number(count)]));
  }

  /** How often what a soak is about has happened, such as `output_pauses_total 12`. */
  async events(): Promise<string[]> {
    const page = await this.fetch("/metrics");
    return Array.from(page.matchAll(eventSeries), ([, series, count]) => `${series} ${count}`);
  }

  /** The processes that the server has started, without its workers, and guardians, which have no variables of the server. */
  wrapped(): number[] {
    const own = new Set(serverProcesses(this.server.pid));
    return processesWith(this.#mark).filter((pid) => !own.has(pid));
  }

  /** The processes that have rooms: the workers, or the server itself. */
  hosts(): number[] {
    const [server, ...workers] = serverProcesses(this.server.pid);
    return workers.length === 0 && server !== undefined ? [server] : workers;
  }

  /** The children of the server's processes that are not wrapped programs: its guardians. */
  guardians(): number[] {
    const wrapped = new Set(this.wrapped());
    return this.hosts()
      .flatMap(childrenOf)
      .filter((pid) => !wrapped.has(pid));
  }

  /** The body of an answer. A connection of its own for each, so that none is left open. @throws where it is not 200. */
  async fetch(path: string): Promise<string> {
    const { host, port } = this.server;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = get({ host, port, path: this.#prefix + path, agent: false }, resolve).on("error", reject);
      request.setTimeout(answerTimeoutMs, () => request.destroy(new Error(`no answer within ${answerTimeoutMs} ms`)));
    });
    let body = "";
    for await (const chunk of response.setEncoding("utf8")) body += String(chunk);
    if (response.statusCode !== 200) throw new Error(`${path} answers ${response.statusCode}`);
    return body;
  }
}
