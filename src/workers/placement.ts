interface Place<Worker> {
  readonly worker: Worker;
  lastConnectionId: number;
}

/**
 * Which room is on which worker. A room stays where it is until its worker has said that it is closed, and that it knew of
 * all who had been handed over for it by then.
 */
export class Placement<Worker> {
  readonly #clients = new Map<Worker, number>();
  readonly #places = new Map<string, Place<Worker>>();

  /** From now on rooms may be placed on this worker. */
  add(worker: Worker): void {
    this.#clients.set(worker, 0);
  }

  /** Forgets the worker, and returns the rooms that were on it. */
  remove(worker: Worker): string[] {
    this.#clients.delete(worker);
    const rooms = [...this.#places].filter(([, place]) => place.worker === worker).map(([room]) => room);
    for (const room of rooms) this.#places.delete(room);
    return rooms;
  }

  /** The names of all rooms. */
  get names(): Iterable<string> {
    return this.#places.keys();
  }

  /** How many rooms there are. */
  get rooms(): number {
    return this.#places.size;
  }

  /** How many clients there are. */
  get clients(): number {
    let count = 0;
    for (const clients of this.#clients.values()) count += clients;
    return count;
  }

  /** Where the room is. */
  find(room: string): Worker | undefined {
    return this.#places.get(room)?.worker;
  }

  /**
   * Where a client of the room goes: where the room is, else to `wanted`, else to the worker with the fewest clients.
   * Undefined where there is no worker, or not the one that is wanted.
   */
  place(room: string, connectionId: number, wanted = this.#leastBusy()): Worker | undefined {
    const known = this.#places.get(room);
    if (known !== undefined) known.lastConnectionId = connectionId;
    const worker = known?.worker ?? wanted;
    if (worker === undefined || !this.#clients.has(worker)) return undefined;
    if (known === undefined) this.#places.set(room, { worker, lastConnectionId: connectionId });
    this.#clients.set(worker, this.clientsOf(worker) + 1);
    return worker;
  }

  clientsOf(worker: Worker): number {
    return this.#clients.get(worker) ?? 0;
  }

  clientsGone(worker: Worker, count: number): void {
    if (this.#clients.has(worker)) this.#clients.set(worker, this.clientsOf(worker) - count);
  }

  /** The worker has closed a room when `lastConnectionId` was the last that it had heard of. */
  closed(worker: Worker, room: string, lastConnectionId: number): void {
    const place = this.#places.get(room);
    if (place?.worker === worker && place.lastConnectionId === lastConnectionId) this.#places.delete(room);
  }

  #leastBusy(): Worker | undefined {
    let found: Worker | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    for (const [worker, clients] of this.#clients) {
      if (clients >= fewest) continue;
      found = worker;
      fewest = clients;
    }
    return found;
  }
}
