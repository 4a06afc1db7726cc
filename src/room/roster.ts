import { RefusedError } from "../errors.ts";
import type { JoinRequest } from "../join-request.ts";
import type { Connection } from "./connection.ts";

/** Who is in one room. */
export class Roster {
  /** Clients that were let in and whose handshake is under way. */
  arriving = 0;
  /** Clients that the process knows of or will hear of, by their ids and in the order of joining. */
  readonly seated = new Map<number, Connection>();
  /** Clients that joined while the process was ending, or while too much waited for it. */
  #newcomers = new Map<Connection, JoinRequest>();

  /** How many are in. */
  get size(): number {
    return this.seated.size + this.#newcomers.size;
  }

  /** What waits for clients. */
  get pendingBytes(): number {
    let bytes = 0;
    for (const connection of this.seated.values()) bytes += connection.pendingBytes;
    return bytes;
  }

  /** The request of the newcomer that came first. */
  get firstRequest(): JoinRequest | undefined {
    return this.#newcomers.values().next().value;
  }

  /** One more client is on the way. @throws RefusedError where it is one too many; it counts as on the way all the same. */
  expect(maxClients: number | undefined): void {
    this.arriving += 1;
    if (maxClients === undefined || this.size + this.arriving <= maxClients) return;
    throw RefusedError.forNow("room is full");
  }

  /** Lets a client wait until it can be seated. */
  keepWaiting(connection: Connection, request: JoinRequest): void {
    this.#newcomers.set(connection, request);
    connection.pause();
  }

  /** Hands over all newcomers to be seated. */
  seatNewcomers(seat: (connection: Connection, request: JoinRequest) => void): void {
    const newcomers = this.#newcomers;
    if (newcomers.size === 0) return;
    this.#newcomers = new Map();
    for (const [connection, request] of newcomers) {
      connection.resume();
      seat(connection, request);
    }
  }

  /** Returns whether the client was seated. */
  delete(connection: Connection): boolean {
    this.#newcomers.delete(connection);
    return this.seated.delete(connection.id);
  }

  closeNewcomers(code: number, reason: string): void {
    for (const connection of this.#newcomers.keys()) connection.close(code, reason);
  }

  closeSeated(code: number, reason: string): void {
    for (const connection of this.seated.values()) connection.close(code, reason);
  }
}
