import { commands, constantFrom, assert as holds, modelRun, nat, property, type Command } from "fast-check";
import { expect, test } from "vitest";
import { Placement } from "../../../src/workers/placement.ts";

test("a room stays where it is, and a new one goes to the worker with the fewest clients", () => {
  const placement = withWorkers("one", "other");
  expect(placement.place("a", 1)).toBe("one");
  expect(placement.place("a", 2)).toBe("one");
  expect(placement.place("b", 3)).toBe("other");
  expect(placement.place("c", 4)).toBe("other");
  expect(placement.place("a", 5)).toBe("one");
  for (const id of [1, 5]) expect(placement.clientGone("one", id)).toBe(true);
  expect(placement.place("d", 6)).toBe("one");
  expect(["a", "b", "c", "d", "e"].map((room) => placement.find(room))).toEqual([
    "one",
    "other",
    "other",
    "one",
    undefined,
  ]);
  expect(placement.clients).toBe(4);
  expect(placement.remove("one").connectionIds).toEqual(new Set([2, 6]));
  expect(placement.remove("other").connectionIds).toEqual(new Set([3, 4]));
});

test("without a worker there is no place, and nothing is kept of who asked", () => {
  const placement = new Placement<string>();
  expect(placement.place("a", 1)).toBeUndefined();
  placement.add("one");
  expect(placement.find("a")).toBeUndefined();
  expect(placement).toMatchObject({ rooms: 0, clients: 0 });
});

test("a room that closes while a client is on its way to it stays", () => {
  const placement = withWorkers("one", "other");
  placement.place("a", 1);
  placement.place("a", 2);
  placement.closed("one", "a", 1);
  expect(placement.find("a")).toBe("one");
  placement.closed("one", "a", 2);
  expect(placement.find("a")).toBeUndefined();
});

test("only the worker that has a room can close it", () => {
  const placement = withWorkers("one", "other");
  placement.place("a", 1);
  placement.closed("other", "a", 1);
  expect(placement.find("a")).toBe("one");
  placement.closed("one", "b", 1);
  expect(placement.find("a")).toBe("one");
});

test("a worker that is removed leaves its rooms, and what it says afterwards changes nothing", () => {
  const placement = withWorkers("one", "other");
  for (const [index, room] of ["a", "b", "c"].entries()) placement.place(room, index);
  const { rooms: lost, connectionIds } = placement.remove("one");
  expect(lost.toSorted()).toEqual(["a", "c"]);
  expect([...connectionIds]).toEqual([0, 2]);
  expect(placement.find("a")).toBeUndefined();
  expect(placement.place("a", 4)).toBe("other");
  expect(placement.clientGone("one", 4)).toBe(false);
  placement.closed("one", "a", 4);
  expect(placement.find("a")).toBe("other");
  expect(placement.remove("one")).toEqual({ rooms: [], connectionIds: new Set() });
  expect(placement.remove("other").connectionIds).toEqual(new Set([1, 4]));
});

const rooms = ["a", "b", "c", "__proto__"];
const workerNames = ["0", "1", "2"];

/** What is said to the placement after some time. */
type Word = { readonly closed: readonly [room: string, lastId: number] } | { readonly gone: readonly number[] };

/** A worker that hears of clients, and is heard, later and in order. */
class FakeWorker {
  readonly name: string;
  readonly toHear: { readonly room: string; readonly id: number }[] = [];
  readonly toSay: Word[] = [];
  /** The clients of each open room. */
  readonly open = new Map<string, number[]>();
  readonly lastIds = new Map<string, number>();

  constructor(name: string) {
    this.name = name;
  }

  /** The clients that the placement must think it has. */
  get clients(): number[] {
    const unsaid = this.toSay.flatMap((word) => ("gone" in word ? word.gone : []));
    return [...this.toHear.map(({ id }) => id), ...[...this.open.values()].flat(), ...unsaid];
  }

  hasOrAwaits(room: string): boolean {
    return this.open.has(room) || this.toHear.some((arrival) => arrival.room === room);
  }

  hear(): void {
    const arrival = this.toHear.shift();
    if (arrival === undefined) return;
    this.open.set(arrival.room, [...(this.open.get(arrival.room) ?? []), arrival.id]);
    this.lastIds.set(arrival.room, arrival.id);
  }

  /** All clients of a room leave it. */
  close(room: string): void {
    const clients = this.open.get(room);
    const lastId = this.lastIds.get(room);
    if (clients === undefined || lastId === undefined) return;
    this.open.delete(room);
    this.lastIds.delete(room);
    this.toSay.push({ gone: clients }, { closed: [room, lastId] });
  }
}

interface Model {
  lastId: number;
  readonly workers: Map<string, FakeWorker>;
}

type Real = Placement<FakeWorker>;

function say(placement: Real, worker: FakeWorker): void {
  const word = worker.toSay.shift();
  if (word === undefined) return;
  if ("gone" in word) expect(word.gone.every((id) => placement.clientGone(worker, id))).toBe(true);
  else placement.closed(worker, ...word.closed);
}

/** What holds at any time. */
function check(model: Model, placement: Real): void {
  const workers = [...model.workers.values()];
  for (const room of rooms) {
    const owners = workers.filter((worker) => worker.hasOrAwaits(room));
    expect(owners.length, `workers with the room ${room}`).toBeLessThanOrEqual(1);
    if (owners[0] !== undefined) expect(placement.find(room)).toBe(owners[0]);
  }
  expect(placement.clients).toBe(workers.flatMap(({ clients }) => clients).length);
}

/** Something that happens to one worker, or to one room. */
class Step implements Command<Model, Real> {
  readonly #text: string;
  readonly #act: (model: Model, placement: Real) => void;

  constructor(text: string, act: (model: Model, placement: Real) => void) {
    this.#text = text;
    this.#act = act;
  }

  check(): boolean {
    return true;
  }

  run(model: Model, placement: Real): void {
    this.#act(model, placement);
    check(model, placement);
  }

  toString(): string {
    return this.#text;
  }
}

function place(room: string): Step {
  return new Step(`place ${room}`, (model, placement) => {
    const workers = [...model.workers.values()];
    const known = placement.find(room);
    const fewest = Math.min(...workers.map((worker) => worker.clients.length));
    model.lastId += 1;
    const found = placement.place(room, model.lastId);
    if (workers.length === 0) expect(found).toBeUndefined();
    else if (known !== undefined) expect(found).toBe(known);
    else expect(found?.clients.length).toBe(fewest);
    found?.toHear.push({ room, id: model.lastId });
  });
}

/** Lets a worker do something if it is there. */
function onWorker(text: string, name: string, act: (worker: FakeWorker, model: Model, placement: Real) => void): Step {
  return new Step(`${text} ${name}`, (model, placement) => {
    const worker = model.workers.get(name);
    if (worker !== undefined) act(worker, model, placement);
  });
}

function die(name: string): Step {
  return onWorker("die", name, (worker, model, placement) => {
    const lost = rooms.filter((room) => placement.find(room) === worker);
    const removed = placement.remove(worker);
    expect(removed.rooms.toSorted()).toEqual(lost.toSorted());
    expect(removed.connectionIds).toEqual(new Set(worker.clients));
    model.workers.delete(name);
  });
}

function begin(name: string): Step {
  return new Step(`begin ${name}`, (model, placement) => {
    if (model.workers.has(name)) return;
    const worker = new FakeWorker(name);
    model.workers.set(name, worker);
    placement.add(worker);
  });
}

test("rooms are on one worker at a time and never forgotten, whatever comes between what is said", () => {
  const room = constantFrom(...rooms);
  const name = constantFrom(...workerNames);
  const steps = commands(
    [
      room.map(place),
      room.map(place),
      name.map((each) => onWorker("hear", each, (worker) => worker.hear())),
      name.map((each) => onWorker("say", each, (worker, _, placement) => say(placement, worker))),
      nat({ max: workerNames.length * rooms.length - 1 }).map((index) => {
        const each = rooms[index % rooms.length] as string;
        return onWorker(`close ${each} on`, workerNames[Math.floor(index / rooms.length)] as string, (worker) =>
          worker.close(each),
        );
      }),
      name.map(begin),
      name.map(die),
    ],
    { maxCommands: 80, size: "max" },
  );
  holds(
    property(steps, (given) => {
      const model: Model = { lastId: 0, workers: new Map() };
      const real: Real = new Placement();
      modelRun(() => ({ model, real }), [begin("0"), begin("1")]);
      modelRun(() => ({ model, real }), given);
      settle(model, real);
      for (const each of rooms) expect(real.find(each), `${each} after all have left`).toBeUndefined();
      for (const worker of model.workers.values()) expect(real.remove(worker).connectionIds).toEqual(new Set());
    }),
    { numRuns: 300 },
  );
});

/** All that is under way arrives, all clients leave, and that is heard of too. */
function settle({ workers }: Model, placement: Real): void {
  for (const worker of workers.values()) {
    while (worker.toHear.length > 0) worker.hear();
    for (const room of rooms) worker.close(room);
    while (worker.toSay.length > 0) say(placement, worker);
  }
}

function withWorkers(...names: readonly string[]): Placement<string> {
  const placement = new Placement<string>();
  for (const name of names) placement.add(name);
  return placement;
}
