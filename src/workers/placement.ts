interface Home<Worker> {
  readonly worker: Worker;
  lastConnectionId: number;
}

/**
 * Which room is on which worker. A room stays where it is until its worker has said that it is closed, and that it knew of
 * all who had been handed over for it by then.
 */
export class Placement<Worker> {
  /** The ids of the connections that each worker has, or that are on their way to it. */
  readonly #clients = new Map<Worker, Set<number>>();
  readonly #homes = new Map<string, Home<Worker>>();

  /** From now on rooms may be placed on this worker. */
  add(worker: Worker): void {
    this.#clients.set(worker, new Set());
  }

  /** Forgets the worker, and returns the rooms that were on it, and its connections. */
  remove(worker: Worker): { readonly rooms: readonly string[]; readonly connectionIds: Set<number> } {
    const connectionIds = this.#clients.get(worker) ?? new Set();
    this.#clients.delete(worker);
    const rooms = [...this.#homes].filter(([, home]) => home.worker === worker).map(([room]) => room);
    for (const room of rooms) this.#homes.delete(room);
    return { rooms, connectionIds };
  }

  /** The names of all rooms. */
  get names(): Iterable<string> {
    return this.#homes.keys();
  }

  /** How many rooms there are. */
  get rooms(): number {
    return this.#homes.size;
  }

  /** How many clients there are. */
  get clients(): number {
    let count = 0;
    for (const { size } of this.#clients.values()) count += size;
    return count;
  }

  /** Where the room is. */
  find(room: string): Worker | undefined {
    return this.#homes.get(room)?.worker;
  }

  /**
   * Where a client of the room goes: where the room is, else to `wanted`, else to the worker with the fewest clients.
   * Undefined where there is no worker, or not the one that is wanted.
   */
  place(room: string, connectionId: number, wanted = this.#leastBusy()): Worker | undefined {
    const known = this.#homes.get(room);
    if (known !== undefined) known.lastConnectionId = connectionId;
    const worker = known?.worker ?? wanted;
    const clients = worker === undefined ? undefined : this.#clients.get(worker);
    if (worker === undefined || clients === undefined) return undefined;
    if (known === undefined) this.#homes.set(room, { worker, lastConnectionId: connectionId });
    clients.add(connectionId);
    return worker;
  }

  /** A client of the worker is gone; false where that is known already. */
  clientGone(worker: Worker, connectionId: number): boolean {
    return this.#clients.get(worker)?.delete(connectionId) ?? false;
  }

  /** The worker has closed a room when `lastConnectionId` was the last that it had heard of. */
  closed(worker: Worker, room: string, lastConnectionId: number): void {
    const home = this.#homes.get(room);
    if (home?.worker === worker && home.lastConnectionId === lastConnectionId) this.#homes.delete(room);
  }

  #leastBusy(): Worker | undefined {
    let found: Worker | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    for (const [worker, { size }] of this.#clients) {
      if (size >= fewest) continue;
      found = worker;
      fewest = size;
    }
    return found;
  }
}
