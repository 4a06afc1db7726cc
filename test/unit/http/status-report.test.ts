import { expect, test } from "vitest";
import { logStatus } from "../../../src/http/status-report.ts";
import { reportRooms, type RoomReport, type RoomsReport } from "../../../src/room/room-report.ts";
import { FakeLogger } from "../../helpers/fakes.ts";

function roomsOf(count: number, read: (index: number) => Partial<RoomReport> = () => ({})): RoomsReport {
  const rooms = Array.from({ length: count }, (_each, index) => ({
    name: `room-${index}`,
    pid: 1000 + index,
    connections: 1,
    processBytes: 0,
    clientBytes: 0,
    ...read(index),
  }));
  return { ...reportRooms(rooms), residentBytes: 50 * 1024 ** 2, heapBytes: 10 * 1024 ** 2 };
}

function linesOf(...reports: (RoomsReport | undefined)[]): string[] {
  const logger = new FakeLogger();
  logStatus(
    reports.map((report, index) => ({ name: `worker ${index}`, pid: index, report })),
    logger,
  );
  return logger.lines;
}

test("all processes are told, also one that does not answer, and the sums of those that do", () => {
  const lines = linesOf(
    roomsOf(1, () => ({ processBytes: 5, clientBytes: 7 })),
    undefined,
    roomsOf(2, () => ({ processBytes: 1 })),
  );
  expect(lines).toEqual([
    "info status: 3 rooms, 3 clients; waiting: 7 bytes for processes, 7 bytes for clients",
    "info status: worker 0: 50 MiB resident, 10 MiB of it in its heap; 1 room, 1 client",
    "info status: worker 1 does not answer",
    "info status: worker 2: 50 MiB resident, 10 MiB of it in its heap; 2 rooms, 2 clients",
    "info status: 1 client; waiting: 5 bytes for processes, 7 bytes for clients",
    "info status: 1 client; waiting: 1 byte for processes, 0 bytes for clients",
    "info status: 1 client; waiting: 1 byte for processes, 0 bytes for clients",
  ]);
});

test("of many rooms those are told that hold most, over all processes, and how many more there are", () => {
  const lines = linesOf(
    roomsOf(200, (index) => ({ clientBytes: index })),
    roomsOf(1, () => ({ processBytes: 1000 })),
    roomsOf(1, () => ({ connections: 50 })),
  );
  const rooms = lines.slice(4, -1);
  expect(rooms).toHaveLength(100);
  expect(rooms[0]).toContain("1000 bytes for processes");
  expect(rooms[1]).toContain("199 bytes for clients");
  expect(rooms.at(-1)).toContain("101 bytes for clients");
  expect(lines.at(-1)).toBe("info status: and 102 more rooms");
});

test("of rooms that hold nothing, those with most clients come first", () => {
  const { largest } = roomsOf(3, (index) => ({ connections: [1, 3, 2][index] ?? 0 }));
  expect(largest.map(({ connections }) => connections)).toEqual([3, 2, 1]);
});
