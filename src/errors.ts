/** Every code that a {@link ServerError} can carry, and what it means. */
export const errorCodes = {
  ERR_USAGE: "An option or argument is missing, unknown or out of range",
  ERR_LISTEN: "The address cannot be listened on",
  ERR_TLS: "A certificate or key cannot be used",
  ERR_REFUSED: "The client is not let in; `status` is the HTTP answer",
  ERR_COMMAND_NOT_STARTED: "The command cannot be started",
  ERR_OUTPUT: "The process wrote something that its framing cannot read on from",
  ERR_WORKER: "A worker process cannot be started",
  ERR_LIMITS: "The system cannot limit processes as the options ask",
  ERR_STATIC_DIR: "The folder of static files cannot be served",
  ERR_AUTH_FILE: "A file of keys or passwords cannot be used",
} as const;

export type ErrorCode = keyof typeof errorCodes;

/** Where nobody knows when there will be a place again. */
const usualRetryAfterS = 5;

/** The one error class of this package: switch on `code`, the rest is for people. */
export class ServerError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ServerError";
    this.code = code;
  }
}

/** A client that is not let in, as the HTTP answer that it gets. */
export class RefusedError extends ServerError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** What only the log is told, empty where the message says all. */
  readonly detail: string;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}, detail = "") {
    super("ERR_REFUSED", message);
    this.status = status;
    this.headers = headers;
    this.detail = detail;
  }

  /** The refusal as one line of the log. */
  get logLine(): string {
    return `refused with ${this.status}: ${this.message}${this.detail === "" ? "" : ` (${this.detail})`}`;
  }

  /** A refusal of one who asks too much: 429, with the seconds after which another try makes sense. */
  static tooMany(message: string, retryAfterS = usualRetryAfterS): RefusedError {
    return new RefusedError(429, message, { "Retry-After": String(retryAfterS) });
  }

  /** A refusal for now: 503, with the seconds after which another try makes sense. */
  static forNow(message: string, detail = ""): RefusedError {
    return new RefusedError(503, message, { "Retry-After": String(usualRetryAfterS) }, detail);
  }
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
