import type { HostFigures, WorkerFigures } from "../host/room-host.ts";
import type { CounterValues } from "../room/counters.ts";

/** What metrics are made of. */
export interface Figures extends HostFigures {
  /** HTTP answers that were given up because their client did not read them. */
  readonly answersCut: number;
  /** When the server's certificate is over; undefined without TLS. */
  readonly certificateEndsAtMs: number | undefined;
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

export interface Metric {
  readonly name: `scalesocket_${string}`;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: (figures: Figures) => Iterable<Sample>;
}

/** Every metric of our own but the histogram of {@link spawnTimeMetric}. Series of a room end with the room. */
export const metricsTable: readonly Metric[] = [
  {
    name: "scalesocket_websocket_connections_total",
    type: "counter",
    help: "Clients that have joined an open room",
    labels: ["room"],
    read: ({ rooms }) => map(rooms, (room) => [{ room: room.name }, room.joined]),
  },
  {
    name: "scalesocket_websocket_connections_open",
    type: "gauge",
    help: "Clients that are in a room",
    labels: ["room"],
    read: ({ rooms }) => map(rooms, (room) => [{ room: room.name }, room.connections]),
  },
  total("messages_received", "Messages of clients", (counters) => counters.messagesReceived),
  total("received_bytes", "Bytes in messages of clients", (counters) => counters.bytesReceived),
  total("messages_sent", "Messages to clients, counted for each client", (counters) => counters.messagesSent),
  total("sent_bytes", "Bytes in websocket frames to clients", (counters) => counters.bytesSent),
  {
    name: "scalesocket_messages_dropped_total",
    type: "counter",
    help: "Messages that reached nobody, or not all they were meant for",
    labels: ["reason"],
    read: ({ counters }) => map(Object.entries(counters.dropped), ([reason, count]) => [{ reason }, count]),
  },
  total("processes_started", "Processes started", (counters) => counters.processesStarted),
  {
    name: "scalesocket_processes_ended_total",
    type: "counter",
    help: "Processes that have ended, or could not be started",
    labels: ["outcome"],
    read: ({ counters }) => map(Object.entries(counters.processesEnded), ([outcome, count]) => [{ outcome }, count]),
  },
  total("output_pauses", "Times a process waited for a slow client", (counters) => counters.outputPauses),
  total("input_pauses", "Times clients waited for a slow process", (counters) => counters.inputPauses),
  total(
    "slow_clients_closed",
    "Clients closed because more than --clientbuffer waited and they took nothing for --slowtimeout, or --slow is close",
    (counters) => counters.slowClosed,
  ),
  total(
    "rate_pauses",
    "Times a client that had sent more than it may was read no further",
    (counters) => counters.ratePauses,
  ),
  total(
    "fast_clients_closed",
    "Clients closed because they went on sending more than they may",
    (counters) => counters.rateClosed,
  ),
  {
    name: "scalesocket_http_answers_cut_total",
    type: "counter",
    help: "HTTP answers given up because their client hardly read them",
    labels: [],
    read: ({ answersCut }) => [[{}, answersCut]],
  },
  {
    name: "scalesocket_tls_certificate_not_after_timestamp_seconds",
    type: "gauge",
    help: "When the certificate in use is over, in seconds since 1970; nothing without TLS",
    labels: [],
    read: ({ certificateEndsAtMs: endMs }) => (endMs === undefined ? [] : [[{}, endMs / 1000]]),
  },
  {
    name: "scalesocket_workers",
    type: "gauge",
    help: "Worker processes that run; 0 where rooms live in the server's own process",
    labels: [],
    read: ({ workers }) => [[{}, workers.size]],
  },
  {
    name: "scalesocket_workers_lost_total",
    type: "counter",
    help: "Worker processes that ended though nobody had asked them to",
    labels: [],
    read: ({ workersLost }) => [[{}, workersLost]],
  },
  ofWorkers("rooms", "Rooms that live in a worker", (worker) => worker.rooms),
  ofWorkers("connections", "Clients that a worker has", (worker) => worker.connections),
  ofWorkers(
    "event_loop_lag_seconds",
    "The most that a worker's event loop was late in the last second",
    (worker) => worker.lagMs / 1000,
  ),
  ofWorkers("resident_memory_bytes", "Resident memory of a worker", (worker) => worker.residentBytes),
];

/** Takes what rooms observe at each start of a process. */
export const spawnTimeMetric = {
  name: "scalesocket_process_spawn_seconds",
  help: "Time that starting a process took",
};

function total(name: string, help: string, read: (counters: CounterValues) => number): Metric {
  return {
    name: `scalesocket_${name}_total`,
    type: "counter",
    help,
    labels: [],
    read: ({ counters }) => [[{}, read(counters)]],
  };
}

function ofWorkers(name: string, help: string, read: (worker: WorkerFigures) => number): Metric {
  return {
    name: `scalesocket_worker_${name}`,
    type: "gauge",
    help,
    labels: ["worker"],
    read: ({ workers }) => map(workers, ([number, worker]) => [{ worker: String(number) }, read(worker)]),
  };
}

function map<Item>(items: Iterable<Item>, toSample: (item: Item) => Sample): Sample[] {
  return Array.from(items, toSample);
}
