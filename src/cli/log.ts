import { isatty } from "node:tty";
import { destination, type Logger as Pino, pino } from "pino";
import type { LogFields, Logger } from "../logger.ts";
import { formatLine } from "./log-line.ts";

const levels = ["info", "debug", "trace"] as const;
const stderr = 2;

export interface LogOptions {
  readonly logJson: boolean;
  readonly verbosity: number;
}

/** Logs to stderr: JSON, or short lines that are coloured on a terminal. */
export function createLogger(options: LogOptions, environment: NodeJS.ProcessEnv): Logger {
  const level = levels[options.verbosity] ?? "trace";
  const hasColors = isatty(stderr) && !environment["NO_COLOR"];
  const output = destination({ fd: stderr, sync: true });
  const stream = options.logJson ? output : { write: (line: string) => output.write(formatLine(line, hasColors)) };
  return adapt(
    pino(
      {
        level,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      stream,
    ),
  );
}

function adapt(logger: Pino): Logger {
  const log =
    (level: "error" | "warn" | "info" | "debug" | "trace") =>
    (message: string, fields?: LogFields): void => {
      if (fields === undefined) logger[level](message);
      else logger[level](fields, message);
    };
  return {
    error: log("error"),
    warn: log("warn"),
    info: log("info"),
    debug: log("debug"),
    trace: log("trace"),
    isTracing: logger.isLevelEnabled("trace"),
  };
}
