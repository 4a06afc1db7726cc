import { expect, test } from "vitest";
import { Admission, type AdmissionLimits } from "../../../src/room/admission.ts";

const none = { rooms: 0, connections: 0 };
const many = { rooms: 1_000_000, connections: 1_000_000 };

test("without limits everybody comes in", () => {
  for (const counts of [none, many]) {
    for (const isOpen of [true, false]) expect(() => new Admission().check("room", isOpen, counts)).not.toThrow();
  }
});

test.each<[AdmissionLimits, string, boolean, number, number, number | undefined]>([
  [{ rooms: ["a", "b"] }, "b", false, 0, 0, undefined],
  [{ rooms: ["a", "b"] }, "c", false, 0, 0, 400],
  [{ rooms: ["a", "b"] }, "constructor", false, 0, 0, 400],
  [{ maxConnections: 2 }, "a", true, 1, 1, undefined],
  [{ maxConnections: 2 }, "a", true, 1, 2, 503],
  [{ maxConnections: 2 }, "a", false, 1, 3, 503],
  [{ maxRooms: 2 }, "a", false, 1, 9, undefined],
  [{ maxRooms: 2 }, "a", false, 2, 9, 503],
  [{ maxRooms: 2 }, "a", true, 2, 9, undefined],
  [{ rooms: ["a"], maxRooms: 1, maxConnections: 1 }, "b", false, 1, 1, 400],
])(
  "%o: into %s (open: %s) where there are %i rooms and %i clients: %s",
  (limits, room, isOpen, rooms, clients, status) => {
    const check = (): void => new Admission(limits).check(room, isOpen, { rooms, connections: clients });
    if (status === undefined) expect(check).not.toThrow();
    else expect(check).toThrow(expect.objectContaining({ code: "ERR_REFUSED", status }));
  },
);
