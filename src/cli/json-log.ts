import { pino } from "pino";
import type { WriteEntry } from "./log-line.ts";

/** A log of one JSON object a line, in pino's format but for the level, which is a name. */
export function createJsonLog(output: (line: string) => void): WriteEntry {
  const logger = pino(
    {
      level: "trace",
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: output },
  );
  return (level, message, fields) => {
    if (fields === undefined) logger[level](message);
    else logger[level](fields, message);
  };
}
