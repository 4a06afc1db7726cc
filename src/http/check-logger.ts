import { type Logger, logLevels } from "../logger.ts";
import { unexpected } from "../options.ts";

/** Where the server says what happens. @throws ServerError ERR_USAGE */
export function checkLogger(value: unknown): Logger {
  const functions = Object(value) as Partial<Record<string, unknown>>;
  if (logLevels.every((level) => typeof functions[level] === "function")) return value as Logger;
  throw unexpected("logger", `an object with the functions ${logLevels.join(", ")}`, value);
}
