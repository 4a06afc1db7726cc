import { closeCodes } from "../close-codes.ts";
import { RefusedError } from "../errors.ts";
import type { JoinRequest } from "../join-request.ts";
import type { ClientEvents, ClientLink } from "../links.ts";
import { Connection } from "./connection.ts";
import type { RoomContext } from "./room-context.ts";
import type { RoomHost, RoomSummary } from "./room-host.ts";
import { Room } from "./room.ts";

const maxConnectionId = 0xffff_ffff;
const retryAfterS = 5;

export interface RoomsOptions {
  /** Serves one client in all, and tells when its room is gone. */
  readonly onOneshotEnd?: () => void;
}

/** The rooms of this process. */
export class Rooms implements RoomHost {
  readonly #context: RoomContext;
  readonly #onOneshotEnd: (() => void) | undefined;
  readonly #rooms = new Map<string, Room>();
  #state: "open" | "taken" | "draining" = "open";
  #lastConnectionId = 0;
  #onDrained: () => void = () => undefined;

  constructor(context: RoomContext, options: RoomsOptions = {}) {
    this.#context = context;
    this.#onOneshotEnd = options.onOneshotEnd;
  }

  async join(request: JoinRequest, open: (events: ClientEvents) => ClientLink): Promise<void> {
    this.#checkState();
    if (this.#onOneshotEnd !== undefined) this.#state = "taken";
    const room = this.#roomOf(request.room);
    let connection: Connection;
    try {
      await room.admit();
      connection = this.#open(room, open);
    } catch (error) {
      this.#untake();
      room.cancel();
      throw error;
    }
    room.join(connection, request);
  }

  find(name: string): RoomSummary | undefined {
    return this.#rooms.get(name);
  }

  list(): Iterable<RoomSummary> {
    return this.#rooms.values();
  }

  async drain(): Promise<void> {
    this.#state = "draining";
    const { code } = closeCodes.goingAway;
    for (const room of this.#rooms.values()) room.close(code, "server is shutting down");
    await Promise.all([this.#context.launcher.drain(), this.#allGone()]);
  }

  kill(): void {
    this.#context.launcher.kill();
    for (const room of this.#rooms.values()) room.kill();
  }

  async #allGone(): Promise<void> {
    if (this.#rooms.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
    });
  }

  #checkState(): void {
    if (this.#state === "draining") throw RefusedError.forNow("server is shutting down", retryAfterS);
    if (this.#state === "taken") throw RefusedError.forNow("server serves one client only", retryAfterS);
    if (this.#lastConnectionId === maxConnectionId)
      throw RefusedError.forNow("server is out of client ids", retryAfterS);
  }

  #roomOf(name: string): Room {
    const known = this.#rooms.get(name);
    if (known !== undefined) return known;
    const room = new Room(name, this.#context, () => this.#onEmpty(room));
    this.#rooms.set(name, room);
    return room;
  }

  #open(room: Room, open: (events: ClientEvents) => ClientLink): Connection {
    if (this.#state === "draining") this.#checkState();
    this.#lastConnectionId += 1;
    const { limits, counters } = this.#context;
    const connection = new Connection(this.#lastConnectionId, room, limits, counters);
    connection.open(open(connection));
    return connection;
  }

  #onEmpty(room: Room): void {
    this.#rooms.delete(room.name);
    if (this.#state === "taken") this.#onOneshotEnd?.();
    if (this.#rooms.size === 0) this.#onDrained();
  }

  /** The one client of a oneshot server did not come, so there is a place again. */
  #untake(): void {
    if (this.#state === "taken") this.#state = "open";
  }
}
