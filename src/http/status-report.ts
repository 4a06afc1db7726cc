import type { ProcessReport } from "../host/room-host.ts";
import type { LogFields, Logger } from "../logger.ts";
import { largestOf, type RoomReport } from "../room/room-report.ts";

/** Writes rooms, clients, queues and memory into the log: a bounded number of lines, whatever there is. */
export function logStatus(reports: readonly ProcessReport[], logger: Logger): void {
  const known = reports.flatMap(({ report }) => (report === undefined ? [] : [report]));
  const total = { rooms: 0, connections: 0, processBytes: 0, clientBytes: 0 };
  for (const report of known) {
    total.rooms += report.rooms;
    total.connections += report.connections;
    total.processBytes += report.processBytes;
    total.clientBytes += report.clientBytes;
  }
  logger.info(`status: ${count(total.rooms, "room")}, ${describe(total)}`);
  for (const each of reports) logger.info(`status: ${describeProcess(each)}`, { pid: each.pid });
  const shown = largestOf(known.flatMap(({ largest }) => largest));
  for (const room of shown) logger.info(`status: ${describe(room)}`, fieldsOf(room));
  if (total.rooms > shown.length) logger.info(`status: and ${count(total.rooms - shown.length, "more room")}`);
}

function describe({ connections, processBytes, clientBytes }: Omit<RoomReport, "name" | "pid">): string {
  const queues = `waiting: ${count(processBytes, "byte")} for processes, ${count(clientBytes, "byte")} for clients`;
  return `${count(connections, "client")}; ${queues}`;
}

function describeProcess({ name, report }: ProcessReport): string {
  if (report === undefined) return `${name} does not answer`;
  const { residentBytes, heapBytes, rooms, connections } = report;
  const memory = `${toMiB(residentBytes)} MiB resident, ${toMiB(heapBytes)} MiB of it in its heap`;
  return `${name}: ${memory}; ${count(rooms, "room")}, ${count(connections, "client")}`;
}

function fieldsOf({ name, pid }: RoomReport): LogFields {
  return pid === undefined ? { room: name } : { room: name, pid };
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function toMiB(bytes: number): number {
  return Math.round(bytes / 1024 ** 2);
}
