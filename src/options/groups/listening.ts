import { address } from "../address-kinds.ts";
import { flag, seconds, workerCount } from "../kinds.ts";

/** Where the server listens, and with how many processes. */
export const listeningOptions = {
  address: address({
    flag: "--addr <ADDR>",
    group: "listening",
    default: "0.0.0.0:9000",
    help: "Address to listen on; port 0 picks a free one",
  }),
  workers: workerCount({
    flag: "--workers <NUM|auto>",
    group: "listening",
    default: "auto",
    help:
      "Processes that rooms live in: auto is one for each usable core, up to 8; with 0 rooms live in the server's own " +
      "process",
  }),
  drainWaitMs: seconds({
    flag: "--drainwait <SECONDS>",
    group: "listening",
    min: 0,
    max: 3600,
    default: 0,
    help:
      "At SIGTERM, go on as before for this long while /health answers 503, so that load balancers send clients " +
      "elsewhere",
  }),
  drainTimeMs: seconds({
    flag: "--draintime <SECONDS>",
    group: "listening",
    min: 0,
    max: 3600,
    default: 10,
    help: "At SIGTERM, close rooms one by one over this time, so that their clients do not all come back at once",
  }),
  oneshot: flag({
    flag: "--oneshot",
    group: "listening",
    help: "Serve one client in all, then exit",
  }),
} as const;
