import { RefusedError } from "../errors.ts";
import { ConnectionRate } from "./connection-rate.ts";
import { networkOf } from "./network.ts";

const retryAfterS = 5;

/** What is allowed to each address; undefined is no limit. */
export interface PlacesLimits {
  readonly maxPerAddress?: number | undefined;
  /** New ones a second. */
  readonly connectionRate?: number | undefined;
}

/** Counts clients by their addresses, from the moment that they knock until they are gone. */
export class Places {
  readonly #most: number | undefined;
  readonly #rate: ConnectionRate | undefined;
  readonly #taken = new Map<string, number>();
  readonly #kept = new Map<number, Place>();

  constructor({ maxPerAddress, connectionRate }: PlacesLimits) {
    this.#most = maxPerAddress;
    this.#rate = connectionRate === undefined ? undefined : new ConnectionRate(connectionRate);
  }

  /** Takes a place for one more client; undefined where places are not counted. @throws RefusedError 429 */
  take(address: string): Place | undefined {
    const network = networkOf(address);
    this.#rate?.count(network);
    if (this.#most === undefined) return undefined;
    const taken = this.takenBy(network);
    if (taken >= this.#most) {
      throw RefusedError.tooMany(`too many connections from ${network || "this address"}`, retryAfterS);
    }
    this.#taken.set(network, taken + 1);
    return new Place(network, this.#giveBack);
  }

  /** Keeps the place until the connection leaves. */
  keep(place: Place | undefined, connectionId: number): void {
    if (place === undefined) return;
    place.connectionId = connectionId;
    this.#kept.set(connectionId, place);
  }

  /** A connection is gone, or did not come to be. */
  leave(connectionId: number): void {
    this.#kept.get(connectionId)?.leave();
  }

  /** How many places are kept for connections. */
  get kept(): number {
    return this.#kept.size;
  }

  /** How many places the clients of a network have. */
  takenBy(network: string): number {
    return this.#taken.get(network) ?? 0;
  }

  /** One function for all places, which there may be many of. */
  readonly #giveBack = ({ network, connectionId }: Place): void => {
    const left = this.takenBy(network) - 1;
    if (left === 0) this.#taken.delete(network);
    else this.#taken.set(network, left);
    if (connectionId !== undefined) this.#kept.delete(connectionId);
  };
}

/** One client's place, which is given back once, however often it is left. */
export class Place {
  readonly network: string;
  /** Whose place it is, as soon as that is known. */
  connectionId: number | undefined;
  #giveBack: ((place: Place) => void) | undefined;

  constructor(network: string, giveBack: (place: Place) => void) {
    this.network = network;
    this.#giveBack = giveBack;
  }

  leave(): void {
    const giveBack = this.#giveBack;
    this.#giveBack = undefined;
    giveBack?.(this);
  }
}
