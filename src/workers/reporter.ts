import type { LogFields, Logger, LogLevel } from "../logger.ts";
import { type FromWorker, type LogEntry, type LogWishes, maxUnderWay, type Report } from "./messages.ts";

/** As many entries may wait for a supervisor that is behind; those that come then are left out and counted. */
const maxWaitingEntries = 1000;

const nothing = (): void => undefined;

/** Sends a message; false says that the supervisor is behind, and that the callback comes when it has caught up. */
export type SendReport = (message: FromWorker & { type: "report" }, onSent: () => void) => boolean;

/** Tells the supervisor what happens in this worker, what comes soon after in the same message. */
export class Reporter {
  readonly logger: Logger;
  readonly #send: SendReport;
  readonly #delayMs: number;
  #isPlanned = false;
  #isBehind = false;
  #arrived = 0;
  #notTaken: number[] = [];
  #gone: number[] = [];
  #closed: [string, number][] = [];
  #entries: LogEntry[] = [];
  #leftOut = 0;

  /** What there is to tell waits so long for more: each message takes both sides as long as some of their other work for a client. */
  constructor(wishes: LogWishes, send: SendReport, delayMs: number) {
    this.#send = send;
    this.#delayMs = delayMs;
    this.logger = {
      error: this.#log("error"),
      warn: this.#log("warn"),
      info: this.#log("info"),
      debug: wishes.isDebugging ? this.#log("debug") : nothing,
      trace: wishes.isTracing ? this.#log("trace") : nothing,
      ...wishes,
    };
  }

  /** A client has arrived whose descriptor was passed. The supervisor needs to hear of that before it passes many more. */
  clientArrived(): void {
    this.#arrived += 1;
    if (this.#arrived < maxUnderWay / 2) this.#plan();
    else this.flush();
  }

  /** One has arrived for which there was no descriptor left. */
  clientNotTaken(connectionId: number): void {
    this.#notTaken.push(connectionId);
    this.clientArrived();
  }

  clientGone(connectionId: number): void {
    this.#gone.push(connectionId);
    this.#plan();
  }

  roomClosed(room: string, lastConnectionId: number): void {
    this.#closed.push([room, lastConnectionId]);
    this.#plan();
  }

  /** A client was not let in. */
  clientRefused(level: LogLevel, message: string, address: string): void {
    this.#add([level, message, { address }, true]);
  }

  /** Sends what there is to tell. */
  flush(): void {
    this.#isPlanned = false;
    const report = this.#take();
    if (Object.keys(report).length === 0) return;
    this.#isBehind = !this.#send({ type: "report", report }, () => this.#onSent());
  }

  /** Sends all that is left, also to a supervisor that is behind, and resolves when that is written, and all before it. */
  async close(): Promise<void> {
    this.#isBehind = false;
    await new Promise<void>((resolve) => {
      this.#send({ type: "report", report: this.#take() }, resolve);
    });
  }

  /** What has waited goes now: there may be nothing else to tell for long. */
  #onSent(): void {
    this.#isBehind = false;
    if (this.#entries.length > 0) this.#plan();
  }

  #log(level: LogLevel): (message: string, fields?: LogFields) => void {
    return (message, fields) => this.#add(fields === undefined ? [level, message] : [level, message, fields]);
  }

  #add(entry: LogEntry): void {
    if (this.#isBehind && this.#entries.length >= maxWaitingEntries) this.#leftOut += 1;
    else this.#entries.push(entry);
    this.#plan();
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    const flush = (): void => this.flush();
    if (this.#delayMs === 0) setImmediate(flush);
    else setTimeout(flush, this.#delayMs);
  }

  /** What is reported whatever happens is short; the log waits while the supervisor is behind. */
  #take(): Report {
    const logs = this.#isBehind ? [] : this.#takeEntries();
    const report: Report = {
      ...(this.#arrived === 0 ? {} : { arrived: this.#arrived }),
      ...(this.#notTaken.length === 0 ? {} : { notTaken: this.#notTaken }),
      ...(this.#gone.length === 0 ? {} : { gone: this.#gone }),
      ...(this.#closed.length === 0 ? {} : { closed: this.#closed }),
      ...(logs.length === 0 ? {} : { logs }),
    };
    this.#arrived = 0;
    this.#notTaken = [];
    this.#gone = [];
    this.#closed = [];
    return report;
  }

  #takeEntries(): LogEntry[] {
    const entries = this.#entries;
    if (this.#leftOut > 0) entries.push(["warn", `${this.#leftOut} log entries were left out`]);
    this.#entries = [];
    this.#leftOut = 0;
    return entries;
  }
}
