import { isatty } from "node:tty";
import { destination, type Logger as Pino, pino } from "pino";
import type { LogFields, Logger } from "../logger.ts";
import { formatLine } from "./log-line.ts";

const levels = ["info", "debug", "trace"] as const;
const stderr = 2;
const batchBytes = 8 * 1024;

export interface LogOptions {
  readonly log: "text" | "json";
  readonly verbosity: number;
}

/** Logs to stderr: JSON, or short lines that are coloured on a terminal. */
export function createLogger(options: LogOptions, environment: NodeJS.ProcessEnv): Logger {
  const level = levels[options.verbosity] ?? "trace";
  const hasColors = isatty(stderr) && !environment["NO_COLOR"];
  const output = openStderr();
  const stream =
    options.log === "json"
      ? { write: (line: string) => output(line) }
      : { write: (line: string) => output(formatLine(line, hasColors)) };
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

/** Writes all lines of one turn of the event loop at once: a busy server logs thousands of them a second. */
function openStderr(): (line: string) => void {
  const output = destination({ fd: stderr, sync: true, minLength: batchBytes });
  // Whoever reads the log may go, or the disk be full: the server goes on without.
  output.on("error", () => undefined);
  let isFlushPlanned = false;
  const flush = (): void => {
    isFlushPlanned = false;
    // Not flushSync: that tries again for ever when stderr is gone, and waits for the disk each time.
    output.flush();
  };
  process.on("exit", flush);
  return (line) => {
    output.write(line);
    if (isFlushPlanned) return;
    isFlushPlanned = true;
    setImmediate(flush);
  };
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
