import { isatty } from "node:tty";
import sonicBoom from "sonic-boom";
import { type Logger, type LogLevel, logLevels } from "../logger.ts";
import { formatLine, type WriteEntry } from "./log-line.ts";

const stderr = 2;
const batchBytes = 8 * 1024;
/** So much is kept while stderr cannot be written; what comes on top of it is counted and left out. */
const maxUnwrittenBytes = 1024 ** 2;
/** Without -v, with it, and with -vv. */
const lowestLevels: readonly LogLevel[] = ["info", "debug", "trace"];

export interface LogOptions {
  readonly log: "text" | "json";
  readonly verbosity: number;
}

/** Logs to stderr: JSON, or short lines that are coloured on a terminal. */
export async function createLogger(options: LogOptions, environment: NodeJS.ProcessEnv): Promise<Logger> {
  const output = openStderr((lines) =>
    write("warn", `${lines} lines were left out of the log, since stderr could not be written`, undefined),
  );
  const lowest = logLevels.indexOf(lowestLevels[options.verbosity] ?? "trace");
  const write = options.log === "json" ? await openJson(output) : openText(output, environment);
  const log = (level: LogLevel): Logger[LogLevel] => {
    if (logLevels.indexOf(level) > lowest) return () => undefined;
    return (message, fields) => write(level, message, fields);
  };
  return {
    error: log("error"),
    warn: log("warn"),
    info: log("info"),
    debug: log("debug"),
    trace: log("trace"),
    isDebugging: lowest >= logLevels.indexOf("debug"),
    isTracing: lowest === logLevels.indexOf("trace"),
  };
}

function openText(output: (line: string) => void, environment: NodeJS.ProcessEnv): WriteEntry {
  const hasColors = isatty(stderr) && !environment["NO_COLOR"];
  return (level, message, fields) => output(formatLine(level, new Date(), message, fields, hasColors));
}

/** Loaded only where it is asked for, since pino takes as long as all the rest of the command line. */
async function openJson(output: (line: string) => void): Promise<WriteEntry> {
  const { createJsonLog } = await import("./json-log.ts");
  return createJsonLog(output);
}

/**
 * Writes all lines of one turn of the event loop at once: a busy server logs thousands of them a second. As long as stderr can
 * be written, it waits for it and no line is lost.
 */
function openStderr(onLost: (lines: number) => void): (line: string) => void {
  const output = new sonicBoom.SonicBoom({
    fd: stderr,
    sync: true,
    minLength: batchBytes,
    maxLength: maxUnwrittenBytes,
  });
  let hasFailed = false;
  // Whoever reads the log may go, or the disk be full: the server goes on without.
  output.on("error", () => {
    hasFailed = true;
  });
  let lost = 0;
  output.on("drop", () => {
    lost += 1;
  });
  let isFlushPlanned = false;
  const flush = (): void => {
    isFlushPlanned = false;
    hasFailed = false;
    // Not flushSync: that tries again for ever when stderr is gone, and waits for the disk each time.
    output.flush();
    if (hasFailed || lost === 0) return;
    const lines = lost;
    lost = 0;
    onLost(lines);
    output.flush();
  };
  process.on("exit", flush);
  return (line) => {
    // There may be room again, and then this line has its place. Once a turn, since each failure takes time.
    if (lost > 0 && !isFlushPlanned) flush();
    output.write(line);
    if (isFlushPlanned) return;
    isFlushPlanned = true;
    setImmediate(flush);
  };
}
