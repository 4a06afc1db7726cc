/** What a log line is about, where it is about something. */
export interface LogFields {
  readonly room?: string;
  readonly connection?: number;
  readonly pid?: number;
  /** Of the client, as far as it is believed. Always the last one of a line. */
  readonly address?: string;
}

/** From what matters most to what is only for a closer look. */
export const logLevels = ["error", "warn", "info", "debug", "trace"] as const;
export type LogLevel = (typeof logLevels)[number];

type Log = (message: string, fields?: LogFields) => void;

/** Where the server says what happens. Messages are plain text; whoever prints them escapes control characters. */
export interface Logger {
  readonly error: Log;
  readonly warn: Log;
  readonly info: Log;
  readonly debug: Log;
  readonly trace: Log;
  /** Whether `debug` goes anywhere, so that nobody need carry it far for nothing. */
  readonly isDebugging: boolean;
  /** Whether `trace` goes anywhere, so that hot paths need not build what nobody reads. */
  readonly isTracing: boolean;
}

const nothing = (): void => undefined;

/** For embedding without logs. */
export const silentLogger: Logger = {
  error: nothing,
  warn: nothing,
  info: nothing,
  debug: nothing,
  trace: nothing,
  isDebugging: false,
  isTracing: false,
};
