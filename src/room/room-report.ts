import { memoryUsage } from "../system/memory-usage.ts";

/** Bytes of one room that wait in this process. */
export interface RoomLoad {
  readonly pid: number | undefined;
  /** What clients have said and the process has not taken. */
  readonly processBytes: number;
  /** What the process has said and clients have not taken. */
  readonly clientBytes: number;
}

/** One open room, as it is shown to who runs the server. */
export interface RoomReport extends RoomLoad {
  readonly name: string;
  readonly connections: number;
}

/** What one process of the server has to do and to hold. Plain data. */
export interface RoomsReport {
  readonly residentBytes: number;
  readonly heapBytes: number;
  readonly rooms: number;
  readonly connections: number;
  readonly processBytes: number;
  readonly clientBytes: number;
  /** Of the rooms those that hold most, the first one first. */
  readonly largest: readonly RoomReport[];
}

/** As many rooms are shown one by one. */
const maxShown = 100;

/** Adds up what rooms of this process hold. */
export function reportRooms(rooms: readonly RoomReport[]): RoomsReport {
  const { rss, heapUsed } = memoryUsage();
  return {
    residentBytes: rss,
    heapBytes: heapUsed,
    rooms: rooms.length,
    connections: sum(rooms, (room) => room.connections),
    processBytes: sum(rooms, (room) => room.processBytes),
    clientBytes: sum(rooms, (room) => room.clientBytes),
    largest: largestOf(rooms),
  };
}

/** Those of which most waits, and then those with most clients. */
export function largestOf(rooms: readonly RoomReport[]): RoomReport[] {
  const waiting = (room: RoomReport): number => room.processBytes + room.clientBytes;
  return rooms.toSorted((a, b) => waiting(b) - waiting(a) || b.connections - a.connections).slice(0, maxShown);
}

function sum(rooms: readonly RoomReport[], read: (room: RoomReport) => number): number {
  return rooms.reduce((total, room) => total + read(room), 0);
}
