import { address, addresses, fileMode, socketPath } from "../address-kinds.ts";
import { flag, workerCount } from "../kinds.ts";

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
      "Processes that rooms live in: auto is one for each usable core, up to 8; with 0 rooms live in the server's own " +
      "process",
  }),
  oneshot: flag({
    flag: "--oneshot",
    group: "listening",
    help: "Serve one client in all, then exit",
  }),
} as const;
