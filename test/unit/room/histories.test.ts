import { expect, test } from "vitest";
import { Histories } from "../../../src/room/histories.ts";
import type { History } from "../../../src/room/history.ts";

const mib = 1024 * 1024;

function create(cachePersist: boolean, cacheBytes = 16 * mib): Histories {
  const histories = Histories.create({ cache: { kept: "all", messages: 10 }, cacheBytes, cachePersist });
  if (histories === undefined) throw new Error("there are no histories");
  return histories;
}

function say(history: History, message: string): void {
  history.add(Buffer.from(message), [0, message.length]);
}

function kept(history: History): string {
  return Buffer.concat(history.pieces).toString();
}

/** What a room of this name finds when it opens; it closes again. */
function find(histories: Histories, room: string): string {
  const history = histories.open(room);
  const found = kept(history);
  histories.close(room, history);
  return found;
}

test("without a cache there are none", () => {
  expect(Histories.create({ cache: undefined, cacheBytes: 1, cachePersist: false })).toBe(undefined);
});

test("which messages are kept is what the option says", () => {
  expect(create(false).kept).toBe("all");
  const cache = { kept: "tagged", messages: 1 } as const;
  expect(Histories.create({ cache, cacheBytes: 1, cachePersist: false })?.kept).toBe("tagged");
});

test("a history ends with the process", () => {
  const histories = create(false);
  const history = histories.open("a");
  say(history, "one");
  histories.endProcess(history);
  expect(kept(history)).toBe("");
  say(history, "two");
  histories.close("a", history);
  expect(find(histories, "a")).toBe("");
});

test("a persistent history outlives the process and the room, for that room alone", () => {
  const histories = create(true);
  const history = histories.open("a");
  say(history, "one");
  histories.endProcess(history);
  expect(kept(history)).toBe("one");
  histories.close("a", history);
  expect(find(histories, "b")).toBe("");
  expect(find(histories, "a")).toBe("one");
  const again = histories.open("a");
  say(again, "two");
  histories.close("a", again);
  expect(find(histories, "a")).toBe("onetwo");
});

test("a room that was opened before is found by its name, whatever that is", () => {
  const histories = create(true);
  for (const room of ["__proto__", "constructor"]) {
    const history = histories.open(room);
    say(history, room);
    histories.close(room, history);
  }
  expect(find(histories, "__proto__")).toBe("__proto__");
  expect(find(histories, "constructor")).toBe("constructor");
});

test("of closed rooms 1,000 are kept at most, and the longest closed goes first", () => {
  const histories = create(true);
  for (let room = 0; room < 1001; room += 1) {
    const history = histories.open(String(room));
    say(history, String(room));
    histories.close(String(room), history);
  }
  expect(find(histories, "0")).toBe("");
  expect(find(histories, "1")).toBe("1");
  // That one is now the last that was closed.
  const history = histories.open("new");
  say(history, "new");
  histories.close("new", history);
  expect(find(histories, "2")).toBe("");
  expect(find(histories, "1")).toBe("1");
});

test("histories of closed rooms take 16 MiB in all at most, and rooms without one take no place", () => {
  const histories = create(true);
  const message = "x".repeat(5 * mib);
  for (const room of ["a", "b", "c", "d"]) {
    const history = histories.open(room);
    say(history, message);
    histories.close(room, history);
    histories.close(`empty ${room}`, histories.open(`empty ${room}`));
  }
  expect(["a", "b", "c", "d"].map((room) => find(histories, room).length)).toEqual([0, 5 * mib, 5 * mib, 5 * mib]);
});

test("one history may be as large as --cachebytes allows", () => {
  const histories = create(true, 40 * mib);
  const history = histories.open("a");
  say(history, "x".repeat(20 * mib));
  say(history, "y".repeat(15 * mib));
  histories.close("a", history);
  expect(find(histories, "a")).toHaveLength(35 * mib);
});
