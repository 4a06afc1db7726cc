import { integer, seconds, size } from "../kinds.ts";

/** How fast each client may send. */
export const trafficOptions = {
  messageRate: integer({
    flag: "--msgrate <NUM>",
    group: "limits",
    min: 1,
    max: 1_000_000,
    help: "Messages a second that each client may send; who sends more is read more slowly, see --rategrace",
  }),
  byteRate: size({
    flag: "--byterate <SIZE>",
    group: "limits",
    min: "1",
    max: "16G",
    help: "Bytes a second that each client may send in messages, counted as they reach the process",
  }),
  burstMs: seconds({
    flag: "--burst <SECONDS>",
    group: "limits",
    min: 0.1,
    max: 3600,
    default: 5,
    help: "A client that was quiet may send so many seconds' worth of --msgrate and --byterate at once",
  }),
  rateGraceMs: seconds({
    flag: "--rategrace <SECONDS>",
    group: "limits",
    min: 0.1,
    max: 3600,
    default: 10,
    help: "Close a client that goes on sending more than --msgrate or --byterate for this long",
  }),
  messageTimeoutMs: seconds({
    flag: "--messagetimeout <SECONDS>",
    group: "limits",
    min: 0.1,
    max: 3600,
    default: 60,
    help: "How long a client may take from the first byte of a message, or of a fragmented one, to its last",
  }),
} as const;
