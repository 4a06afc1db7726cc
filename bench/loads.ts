import { fileURLToPath } from "node:url";
import type { Job } from "./generator/jobs.ts";
import type { Wrapped } from "./server/target.ts";

/** One value that a load measures. */
export interface Figure {
  /** Its name among the figures of the generator. */
  readonly key: string;
  readonly about: string;
  readonly unit: "/s" | "ms" | "KiB";
  readonly better: "higher" | "lower";
}

/** One load: what the server wraps, what the generator does to it, and what comes of that. */
export interface Load extends Wrapped {
  readonly name: string;
  readonly about: string;
  /** "startup" needs no generator: what counts is over when the server listens. */
  readonly job: Job | { readonly kind: "startup" };
  /** Whether the event loop of the server is watched meanwhile (Node servers only). */
  readonly watchesStalls?: true;
  readonly figures: readonly Figure[];
}

const rate = (about: string): Figure => ({ key: "rate", about, unit: "/s", better: "higher" });
const p50 = (about: string): Figure => ({ key: "p50", about: `${about}, median`, unit: "ms", better: "lower" });
const p99 = (about: string): Figure => ({ key: "p99", about: `${about}, 99 %`, unit: "ms", better: "lower" });

const json = ["--frame=json", "--joinmsg", "JOIN #ID;"];
const gwsocket = ["--frame=binary", "--joinmsg", "JOIN #ID;"];
const greeter = ["sh", "-c", "echo hello; exec cat"] as const;

/** THE table of loads. */
export const loads: readonly Load[] = [
  fanOut("fan-out-small", { clients: 100, messages: 2000, size: 100 }),
  fanOut("fan-out-large", { clients: 1000, messages: 200, size: 1024 }),
  {
    name: "fan-out-paced",
    about: "200 messages a second to 200 clients: time from the program's write to each client",
    options: [],
    program: script("paced", 400, 100, 200),
    job: { kind: "paced", clients: 200, messages: 400, size: 100 },
    figures: [p50("delay"), p99("delay")],
  },
  {
    name: "ingest",
    about: "100 clients say 2,000 messages of 100 B each to one program",
    options: [],
    program: script("sink", 100, 2000, 100),
    job: { kind: "ingest", clients: 100, messages: 2000, size: 100 },
    figures: [rate("messages")],
  },
  {
    name: "echo-one-room",
    about: "1 client says a message when the one before has come back",
    options: [],
    program: ["cat"],
    job: { kind: "echo", rooms: 1, messages: 2000, size: 100 },
    figures: [p50("round trip"), rate("round trips")],
  },
  {
    name: "echo-50-rooms",
    about: "the same in 50 rooms at once",
    options: [],
    program: ["cat"],
    job: { kind: "echo", rooms: 50, messages: 1000, size: 100 },
    figures: [rate("round trips")],
  },
  privately("private-json-10", json, 10),
  privately("private-json-100", json, 100),
  privately("private-json-1000", json, 1000),
  privately("private-gwsocket-10", gwsocket, 10),
  privately("private-gwsocket-100", gwsocket, 100),
  privately("private-gwsocket-1000", gwsocket, 1000),
  {
    name: "rooms",
    about: "300 rooms are opened, 8 at a time: time from connect to the first message",
    options: [],
    program: greeter,
    job: { kind: "rooms", rooms: 300, atOnce: 8 },
    figures: [rate("rooms opened"), p50("first message"), p99("first message")],
  },
  {
    name: "rooms-stall",
    about: "the same: longest stall of the server's event loop (servers on Node only)",
    options: [],
    program: greeter,
    job: { kind: "rooms", rooms: 300, atOnce: 8 },
    watchesStalls: true,
    figures: [{ key: "stall", about: "longest stall", unit: "ms", better: "lower" }],
  },
  {
    name: "memory",
    about: "10,000 clients in one room, idle: what the server's resident memory grew by",
    options: [],
    program: ["cat"],
    job: { kind: "idle", connections: [0, 1000, 5000, 10_000] },
    figures: [
      { key: "each", about: "memory per connection", unit: "KiB", better: "lower" },
      { key: "rested", about: "the same 40 s later", unit: "KiB", better: "lower" },
    ],
  },
  {
    name: "startup",
    about: "from the start of the server's process until it listens",
    options: [],
    program: ["cat"],
    job: { kind: "startup" },
    figures: [{ key: "startup", about: "time to listen", unit: "ms", better: "lower" }],
  },
];

/** Measured for the plot of throughput over clients only: the same number of deliveries, by rooms of other sizes. */
export const fanOutByClients: readonly Load[] = [1, 10, 100, 1000].map((clients) =>
  fanOut(`fan-out-${clients}`, { clients, messages: 200_000 / clients, size: 100 }),
);

function fanOut(name: string, settings: { clients: number; messages: number; size: number }): Load {
  const { clients, messages, size } = settings;
  return {
    name,
    about: `${count(messages)} messages of ${count(size)} B at once, to a room of ${count(clients)}`,
    options: [],
    program: script("burst", messages, size),
    job: { kind: "fan-out", ...settings },
    figures: [rate("deliveries")],
  };
}

function privately(name: string, options: readonly string[], clients: number): Load {
  const messages = 20_000;
  const size = 100;
  return {
    name,
    about: `${count(messages)} messages of ${size} B, each to one of a room of ${count(clients)}`,
    options,
    program: script(options === json ? "private-json" : "private-gwsocket", messages, size),
    job: { kind: "private", clients, messages, size },
    figures: [rate("messages")],
  };
}

/** A program of programs/, as it is wrapped. */
function script(name: string, ...args: readonly number[]): [string, ...string[]] {
  const path = fileURLToPath(new URL(`../programs/${name}.mjs`, import.meta.url));
  return [process.execPath, path, ...args.map(String)];
}

function count(value: number): string {
  return value.toLocaleString("en");
}
