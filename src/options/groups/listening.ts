import { address, addresses, fileMode, socketPath } from "../address-kinds.ts";
import { flag, seconds, workerCount } from "../kinds.ts";

/** Where the server listens, and with how many processes. */
export const listeningOptions = {
  addresses: addresses({
    flag: "--addr <ADDR>",
    group: "listening",
    help: "Address to listen on; port 0 picks a free one. Can be given several times",
  }),
  unixSocket: socketPath({
    flag: "--unixsocket <PATH>",
    group: "listening",
    help: "Unix socket to listen on; what is left of another server is replaced",
  }),
  unixMode: fileMode({
    flag: "--unixmode <MODE>",
    group: "listening",
    default: "660",
    help: "Who may connect to --unixsocket",
  }),
  adminAddress: address({
    flag: "--adminaddr <ADDR>",
    group: "listening",
    help: "Serve health, metrics, statistics and the API at this address alone, and nothing else there",
  }),
  workers: workerCount({
    flag: "--workers <NUM|auto>",
    group: "listening",
    default: "auto",
    help:
      "Processes that rooms live in: auto is one for each usable core, up to 8, and none with TLS; with 0 rooms live in " +
      "the server's own process",
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
