import { RefusedError } from "../errors.ts";
import { ConnectionRate } from "./connection-rate.ts";
import { networkOf } from "./network.ts";

/** What is allowed to each address; undefined is no limit. */
export interface TicketLimits {
  readonly maxPerAddress?: number | undefined;
  /** New ones a second. */
  readonly connectionRate?: number | undefined;
}

/** Counts clients by their addresses, from the moment that they knock until they are gone. */
export class Tickets {
  readonly #most: number | undefined;
  readonly #rate: ConnectionRate | undefined;
  readonly #taken = new Map<string, number>();
  readonly #kept = new Map<number, Ticket>();

  constructor({ maxPerAddress, connectionRate }: TicketLimits) {
    this.#most = maxPerAddress;
    this.#rate = connectionRate === undefined ? undefined : new ConnectionRate(connectionRate);
  }

  /** Takes a ticket for one more client; undefined where tickets are not counted. @throws RefusedError 429 */
  take(address: string): Ticket | undefined {
    const network = networkOf(address);
    this.#rate?.count(network);
    if (this.#most === undefined) return undefined;
    const taken = this.takenBy(network);
    if (taken >= this.#most) {
      throw RefusedError.tooMany(`too many connections from ${network || "this address"}`);
    }
    this.#taken.set(network, taken + 1);
    return new Ticket(network, this.#onBack);
  }

  /** Keeps the ticket until the connection is gone. */
  keep(ticket: Ticket | undefined, connectionId: number): void {
    if (ticket === undefined) return;
    ticket.connectionId = connectionId;
    this.#kept.set(connectionId, ticket);
  }

  /** A connection is gone, or did not come to be. */
  leave(connectionId: number): void {
    this.#kept.get(connectionId)?.giveBack();
  }

  /** How many tickets are kept for connections. */
  get kept(): number {
    return this.#kept.size;
  }

  /** How many tickets the clients of a network have. */
  takenBy(network: string): number {
    return this.#taken.get(network) ?? 0;
  }

  /** One function for all tickets, which there may be many of. */
  readonly #onBack = ({ network, connectionId }: Ticket): void => {
    const left = this.takenBy(network) - 1;
    if (left === 0) this.#taken.delete(network);
    else this.#taken.set(network, left);
    if (connectionId !== undefined) this.#kept.delete(connectionId);
  };
}

/** One client's ticket: it counts once, however often it is given back. */
export class Ticket {
  readonly network: string;
  /** Whose ticket it is, as soon as that is known. */
  connectionId: number | undefined;
  #onBack: ((ticket: Ticket) => void) | undefined;

  constructor(network: string, onBack: (ticket: Ticket) => void) {
    this.network = network;
    this.#onBack = onBack;
  }

  giveBack(): void {
    const onBack = this.#onBack;
    this.#onBack = undefined;
    onBack?.(this);
  }
}
