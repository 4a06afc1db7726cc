import { RefusedError } from "../errors.ts";
import type { JoinRequest } from "../join-request.ts";
import type { ClientEvents, ClientLink } from "../links.ts";
import { Admission } from "./admission.ts";
import { Connection } from "./connection.ts";
import { describeDrain, type DrainPlan, drainAtOnce } from "./drain-plan.ts";
import { Gradually } from "./gradually.ts";
import type { RoomContext } from "./room-context.ts";
import { reportRooms, type RoomsReport } from "./room-report.ts";
import type { RoomOwner } from "./room-owner.ts";
import type { RoomFigures, RoomSummary } from "./room-summary.ts";
import { Room } from "./room.ts";

export interface RoomsOptions {
  /** Serves one client in all, and tells when its room is gone. */
  readonly onOneshotEnd?: () => void;
  readonly onRoomClosed?: (room: string) => void;
  readonly admission?: Admission;
}

/** The rooms of this process. */
export class Rooms implements RoomOwner {
  readonly #context: RoomContext;
  readonly #onOneshotEnd: (() => void) | undefined;
  readonly #onRoomClosed: ((room: string) => void) | undefined;
  readonly #admission: Admission;
  readonly #rooms = new Map<string, Room>();
  /** Clients whose connections are not closed yet, and those on the way in. */
  #connections = 0;
  #state: "open" | "taken" | "draining" = "open";
  #closing: Gradually<Room> | undefined;
  #onDrained: () => void = () => undefined;

  constructor(context: RoomContext, options: RoomsOptions = {}) {
    this.#context = context;
    this.#onOneshotEnd = options.onOneshotEnd;
    this.#onRoomClosed = options.onRoomClosed;
    this.#admission = options.admission ?? new Admission();
  }

  /**
   * Lets a client in: `open` completes its handshake, and is called only when there is a place for it.
   * @throws RefusedError where there is none; whatever `open` throws.
   */
  async join(request: JoinRequest, open: (events: ClientEvents) => ClientLink): Promise<void> {
    this.#checkState();
    const counts = { rooms: this.#rooms.size, connections: this.#connections };
    this.#admission.check(request.room, this.#rooms.has(request.room), counts);
    if (this.#onOneshotEnd !== undefined) this.#state = "taken";
    const room = this.#roomOf(request.room);
    let connection: Connection;
    this.#connections += 1;
    try {
      await room.admit();
      connection = this.#open(request, room, open);
    } catch (error) {
      this.#connections -= 1;
      this.#untake();
      room.cancel();
      throw error;
    }
    room.join(connection, request);
  }

  /** The connection of a client that had joined is closed. */
  clientGone(): void {
    this.#connections -= 1;
  }

  find(name: string): RoomSummary | undefined {
    const room = this.#rooms.get(name);
    return room === undefined ? undefined : summarize(room);
  }

  list(): RoomSummary[] {
    return Array.from(this.#rooms.values(), summarize);
  }

  figures(): RoomFigures[] {
    return Array.from(this.#rooms.values(), ({ name, connections, joined }) => ({ name, connections, joined }));
  }

  report(): RoomsReport {
    const rooms = Array.from(this.#rooms.values(), (room) => {
      const { name, connections } = room;
      return { name, connections, ...room.load };
    });
    return reportRooms(rooms);
  }

  /** Takes nobody new from now on, and ends the processes that nobody talks to. Rooms with clients go on. */
  retire({ code, reason }: DrainPlan): void {
    this.#state = "draining";
    for (const room of this.#rooms.values()) if (room.connections === 0) room.close(code, reason);
  }

  /** Closes the clients of one room, if it is open. */
  close(name: string, { code, reason }: DrainPlan): void {
    this.#rooms.get(name)?.close(code, reason);
  }

  /** Takes nobody new, closes every client and ends every process in its steps; resolves when nothing is left. */
  async drain(plan: DrainPlan = drainAtOnce): Promise<void> {
    this.retire(plan);
    const inUse = [...this.#rooms.values()].filter(({ connections }) => connections > 0);
    const closing = new Gradually(inUse, plan.spreadMs, (room) => {
      const isInUse = room.connections > 0;
      room.close(plan.code, plan.reason);
      return isInUse;
    });
    this.#closing = closing;
    if (plan.spreadMs > 0 && inUse.length > 1) this.#context.logger.info(describeDrain(inUse.length, plan));
    closing.start();
    await this.#allGone();
    closing.hurry();
  }

  /** Ends every process at once; `drain` resolves sooner then. */
  kill(): void {
    this.#closing?.hurry();
    for (const room of this.#rooms.values()) room.kill();
  }

  get lingerMs(): number {
    return this.#state === "draining" ? 0 : this.#context.lingerMs;
  }

  onEmpty(room: string): void {
    this.#rooms.delete(room);
    if (this.#state === "taken") this.#onOneshotEnd?.();
    this.#onRoomClosed?.(room);
    if (this.#rooms.size === 0) this.#onDrained();
  }

  async #allGone(): Promise<void> {
    if (this.#rooms.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
    });
  }

  #checkState(): void {
    if (this.#state === "draining") throw RefusedError.forNow("server is shutting down");
    if (this.#state === "taken") throw RefusedError.forNow("server serves one client only");
  }

  #roomOf(name: string): Room {
    const known = this.#rooms.get(name);
    if (known !== undefined) return known;
    const room = new Room(name, this.#context, this);
    this.#rooms.set(name, room);
    return room;
  }

  #open(request: JoinRequest, room: Room, open: (events: ClientEvents) => ClientLink): Connection {
    if (this.#state === "draining") this.#checkState();
    const { limits, counters } = this.#context;
    const connection = new Connection(request.connectionId, room, limits, counters);
    connection.open(open(connection), request.identity?.expiresAtMs ?? null);
    return connection;
  }

  /** The one client of a oneshot server did not come, so there is a place again. */
  #untake(): void {
    if (this.#state === "taken") this.#state = "open";
  }
}

function summarize({ name, connections, joined, metadata }: Room): RoomSummary {
  return { name, connections, joined, metadata };
}
