import type { ErrorCode } from "../errors.ts";
import type { HostSettings } from "../host/host-settings.ts";
import type { WorkerFigures } from "../host/room-host.ts";
import type { JoinRequest } from "../join-request.ts";
import type { LogFields, LogLevel } from "../logger.ts";
import type { CounterValues } from "../room/counters.ts";
import type { DrainPlan } from "../room/drain-plan.ts";
import type { RoomsReport } from "../room/room-report.ts";
import type { RoomFigures, RoomSummary } from "../room/room-summary.ts";

/** As many clients may be under way to a worker at once where descriptors are passed: it tells of several in one report. */
export const maxUnderWay = 64;

/** What a worker may be asked, and what it answers. */
export interface Questions {
  readonly find: { readonly about: string; readonly answer: RoomSummary | null };
  readonly list: { readonly about: null; readonly answer: readonly RoomSummary[] };
  readonly report: { readonly about: null; readonly answer: RoomsReport | null };
  readonly state: { readonly about: null; readonly answer: WorkerState };
}
export type Question = keyof Questions;

/** All that metrics tell of one worker. */
export interface WorkerState {
  readonly rooms: readonly RoomFigures[];
  readonly counters: CounterValues;
  readonly figures: WorkerFigures;
}

/** What the supervisor says to a worker. All of it is plain data, sent as JSON. */
export type ToWorker =
  | { readonly type: "start"; readonly settings: HostSettings; readonly logs: LogWishes }
  /** Comes with the client's socket, or behind it. Without any the client has gone. */
  | {
      readonly type: "admit";
      readonly request: JoinRequest;
      readonly answer: string;
      readonly isCompressing: boolean;
      readonly headBase64: string;
      /** The socket's descriptor is the next one to be received where descriptors are passed. */
      readonly isPassed: boolean;
    }
  | { readonly type: "ask"; readonly id: number; readonly question: Question; readonly about: string | null }
  | { readonly type: "port"; readonly id: number; readonly port: number | null }
  | { readonly type: "open" }
  /** Nobody new comes from now on; "close" follows for each room, and then "drain". */
  | { readonly type: "retire"; readonly plan: DrainPlan }
  | { readonly type: "close"; readonly room: string; readonly plan: DrainPlan }
  | { readonly type: "drain"; readonly plan: DrainPlan }
  | { readonly type: "kill" };

/** What a worker says to the supervisor. */
export type FromWorker =
  | { readonly type: "ready" }
  | { readonly type: "failed"; readonly code: ErrorCode; readonly message: string }
  | { readonly type: "report"; readonly report: Report }
  | { readonly type: "answer"; readonly id: number; readonly answer: Questions[Question]["answer"] }
  | { readonly type: "takePort"; readonly id: number }
  | { readonly type: "releasePort"; readonly port: number }
  /** Comes every second: the worker's event loop turns. */
  | { readonly type: "beat"; readonly counters: CounterValues };

/** Which levels of the log are read at all. */
export interface LogWishes {
  readonly isDebugging: boolean;
  readonly isTracing: boolean;
}

/** Refusals are told apart, since all workers together may only write so many lines of them. */
export type LogEntry = readonly [level: LogLevel, message: string, fields?: LogFields, isRefusal?: boolean];

/** What happened in a worker since it told last. */
export interface Report {
  /** How many clients have arrived whose descriptors were passed, and the ids of those for whom there was none left. */
  readonly arrived?: number;
  readonly notTaken?: readonly number[];
  /** The ids of connections that are gone, or were refused. */
  readonly gone?: readonly number[];
  /** Rooms that are no longer open, each with the last connection that had been handed over for it until then. */
  readonly closed?: readonly (readonly [room: string, lastConnectionId: number])[];
  readonly logs?: readonly LogEntry[];
}
