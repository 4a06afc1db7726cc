import { choice, count } from "../kinds.ts";

/** What is logged, and how. */
export const loggingOptions = {
  verbosity: count({
    flag: "-v, --verbose",
    group: "logging",
    max: 2,
    help: "Log more: -v also who comes and goes, -vv also the size of all that passes through",
  }),
  log: choice({
    flag: "--log <FORMAT>",
    aliases: [{ flag: "--json", means: "json" }],
    group: "logging",
    choices: ["text", "json"],
    default: "text",
    help: "Log as text for people, or as JSON, one object a line",
  }),
} as const;
