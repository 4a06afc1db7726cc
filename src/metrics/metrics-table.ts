import type { Counters } from "../room/counters.ts";
import type { RoomSummary } from "../room/room-host.ts";

/** Where metrics are read when somebody asks for them. */
export interface MetricsSource {
  readonly counters: Counters;
  readonly rooms: () => Iterable<RoomSummary>;
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

interface Metric {
  readonly name: `scalesocket_${string}`;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly labels: readonly string[];
  readonly read: (source: MetricsSource) => Iterable<Sample>;
}

/** Every metric of our own but the histogram of {@link spawnTimeMetric}. Series of a room end with the room. */
export const metricsTable: readonly Metric[] = [
  {
    name: "scalesocket_websocket_connections_total",
    type: "counter",
    help: "Clients that have joined an open room",
    labels: ["room"],
    read: ({ rooms }) => map(rooms(), (room) => [{ room: room.name }, room.joined]),
  },
  {
    name: "scalesocket_websocket_connections_open",
    type: "gauge",
    help: "Clients that are in a room",
    labels: ["room"],
    read: ({ rooms }) => map(rooms(), (room) => [{ room: room.name }, room.connections]),
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
    read: ({ counters }) => map(counters.dropped, ([reason, count]) => [{ reason }, count]),
  },
  total("processes_started", "Processes started", (counters) => counters.processesStarted),
  {
    name: "scalesocket_processes_ended_total",
    type: "counter",
    help: "Processes that have ended, or could not be started",
    labels: ["outcome"],
    read: ({ counters }) => map(counters.processesEnded, ([outcome, count]) => [{ outcome }, count]),
  },
  total("output_pauses", "Times a process waited for a slow client", (counters) => counters.outputPauses),
  total("input_pauses", "Times clients waited for a slow process", (counters) => counters.inputPauses),
  total("slow_clients_closed", "Clients closed because they took nothing", (counters) => counters.slowClosed),
];

/** Takes what rooms observe at each start of a process. */
export const spawnTimeMetric = {
  name: "scalesocket_process_spawn_seconds",
  help: "Time that starting a process took",
  buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
};

function total(name: string, help: string, read: (counters: Counters) => number): Metric {
  return {
    name: `scalesocket_${name}_total`,
    type: "counter",
    help,
    labels: [],
    read: ({ counters }) => [[{}, read(counters)]],
  };
}

function map<Item>(items: Iterable<Item>, toSample: (item: Item) => Sample): Sample[] {
  return Array.from(items, toSample);
}
