import { address } from "../address-kinds.ts";
import { flag, workerCount } from "../kinds.ts";

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
  oneshot: flag({
    flag: "--oneshot",
    group: "listening",
    help: "Serve one client in all, then exit",
  }),
} as const;
