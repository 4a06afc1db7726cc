import { RefusedError } from "../errors.ts";

/** What is allowed over all rooms of a server; undefined is no limit. */
export interface AdmissionLimits {
  /** The only rooms that are served. */
  readonly rooms?: readonly string[] | undefined;
  readonly maxRooms?: number | undefined;
  readonly maxConnections?: number | undefined;
}

/** How much there is over all rooms of a server, without the client that is to be let in. */
export interface AdmissionCounts {
  readonly rooms: number;
  /** Clients that are in a room, on the way into one, or on the way out, where much may wait for them still. */
  readonly connections: number;
}

/** Decides who may come in at all, wherever the rooms live. */
export class Admission {
  readonly #names: ReadonlySet<string> | undefined;
  readonly #maxRooms: number;
  readonly #maxConnections: number;

  constructor({ rooms, maxRooms, maxConnections }: AdmissionLimits = {}) {
    this.#names = rooms === undefined ? undefined : new Set(rooms);
    this.#maxRooms = maxRooms ?? Number.POSITIVE_INFINITY;
    this.#maxConnections = maxConnections ?? Number.POSITIVE_INFINITY;
  }

  /** @throws RefusedError where one more client cannot come into this room, which is open already or has to be opened. */
  check(room: string, isOpen: boolean, { rooms, connections }: AdmissionCounts): void {
    if (this.#names?.has(room) === false)
      throw new RefusedError(400, "no such room: only rooms with given names are served");
    if (connections >= this.#maxConnections) throw RefusedError.forNow("server is full");
    if (!isOpen && rooms >= this.#maxRooms) throw RefusedError.forNow("no room left: too many are open");
  }
}
