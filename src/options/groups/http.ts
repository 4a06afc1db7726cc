import { basePath, headers, subprotocols } from "../http-kinds.ts";
import { flag, text } from "../kinds.ts";

/** What is served over HTTP. */
export const httpOptions = {
  staticDir: text({
    flag: "--staticdir <DIR>",
    group: "http",
    help: "Serve the files of this folder over HTTP",
  }),
  metrics: flag({
    flag: "--metrics",
    group: "http",
    help: "Serve metrics at /metrics in OpenMetrics format",
  }),
  stats: flag({
    flag: "--stats",
    group: "http",
    help: "Serve statistics of each open room at /<ROOM>/stats, and single ones at /<ROOM>/stats/<STATISTIC>",
  }),
  api: flag({
    flag: "--api",
    group: "http",
    help: "List open rooms at /api/rooms/, and tell of each at /api/<ROOM>/",
  }),
  basePath: basePath({
    flag: "--basepath <PATH>",
    group: "http",
    default: "/",
    help: "Serve everything below this path: rooms at PATH/<ROOM>, and PATH/health, which is at /health too",
  }),
  headers: headers({
    flag: "--header <HEADER>",
    group: "http",
    help: "Put this header, as in 'X-Frame-Options: DENY', on all answers, also on refusals and on those that open a websocket",
  }),
  subprotocols: subprotocols({
    flag: "--subprotocol <LIST>",
    group: "http",
    help:
      "Choose the first of these websocket subprotocols that a client offers, or none, and tell the process in " +
      "HTTP_SEC_WEBSOCKET_PROTOCOL; without this, the first one offered is chosen, whatever it is",
  }),
} as const;
