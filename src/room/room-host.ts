import type { JoinRequest } from "../join-request.ts";
import type { ClientEvents, ClientLink } from "../links.ts";

/** What is told of a room that is open. */
export interface RoomSummary {
  readonly name: string;
  /** Clients that are in now. */
  readonly connections: number;
  /** Clients that have come in since the room was opened. */
  readonly joined: number;
  /** What the process has told of the room, as JSON text; undefined without any. */
  readonly metadata: string | undefined;
}

/** Where rooms live: in this process, in a worker, or on another node. */
export interface RoomHost {
  /**
   * Lets a client in: `open` completes its handshake, and is called only when there is a place for it.
   * @throws RefusedError where there is none; whatever `open` throws.
   */
  join(request: JoinRequest, open: (events: ClientEvents) => ClientLink): Promise<void>;
  find(name: string): RoomSummary | undefined;
  list(): Iterable<RoomSummary>;

  /** Takes nobody new, closes every client and ends every process in its steps; resolves when nothing is left. */
  drain(): Promise<void>;

  /** Ends every process at once; `drain` resolves sooner then. */
  kill(): void;
}
