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
} as const;
