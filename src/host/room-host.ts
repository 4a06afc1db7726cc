import type { JoinRequest } from "../join-request.ts";
import type { CounterValues } from "../room/counters.ts";
import type { DrainPlan } from "../room/drain-plan.ts";
import type { RoomsReport } from "../room/room-report.ts";
import type { RoomFigures, RoomSummary } from "../room/room-summary.ts";
import type { Handshake } from "../websocket/websockets.ts";

/** What one worker process has to do. Plain data. */
export interface WorkerFigures {
  readonly rooms: number;
  readonly connections: number;
  /** The most that its event loop was late in the last second. */
  readonly lagMs: number;
  readonly residentBytes: number;
}

/** What metrics tell of a host. */
export interface HostFigures {
  readonly rooms: readonly RoomFigures[];
  readonly counters: CounterValues;
  /** By number of the worker; empty where rooms live in this process. */
  readonly workers: ReadonlyMap<number, WorkerFigures>;
  /** Workers that ended though nobody had asked them to. */
  readonly workersLost: number;
}

/** One process of the server, for who runs it. */
export interface ProcessReport {
  /** What it is called, such as `worker 0`. */
  readonly name: string;
  readonly pid: number;
  /** Undefined where it does not answer. */
  readonly report: RoomsReport | undefined;
}

/** Where rooms live: in this process, in workers, or on another node. */
export interface RoomHost {
  /** Clients may come from now on: what is to be there before them is started. */
  open(): void;

  /**
   * Lets a client in, from whose socket nothing is being read, or answers why not. When it is gone, or was not let in, whoever
   * made the host is told so, once.
   * @throws RefusedError where that is known at once.
   */
  admit(request: JoinRequest, handshake: Handshake): void;

  /** Resolves to undefined where the room is not open. @throws RefusedError where that cannot be found out now. */
  find(room: string): Promise<RoomSummary | undefined>;
  list(): Promise<readonly RoomSummary[]>;
  figures(): Promise<HostFigures>;

  /** What each process of the server has to do and to hold. */
  report(): Promise<readonly ProcessReport[]>;

  /**
   * Takes nobody new, closes every client and ends every process in its steps; resolves when nothing is left. Without a
   * plan, all rooms are closed at once.
   */
  drain(plan?: DrainPlan): Promise<void>;

  /** Ends every process and connection at once; `drain` resolves sooner then. */
  kill(): void;
}
