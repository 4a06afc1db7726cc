import { EventEmitter, once } from "node:events";
import { describe, expect, test } from "vitest";
import { RefusedError, ServerError } from "../../../src/errors.ts";
import type { ClientEvents } from "../../../src/links.ts";
import { Admission } from "../../../src/room/admission.ts";
import { Rooms, type RoomsOptions } from "../../../src/room/rooms.ts";
import {
  fakeContext,
  type FakeContextOptions,
  FakeClientLink,
  type FakeLauncher,
  fakeRequest,
  turnEnd,
} from "../../helpers/fakes.ts";

interface Client {
  readonly link: FakeClientLink;
  readonly events: ClientEvents;
}

/** The rooms of a server, and what comes in at its door. */
class Setup {
  readonly context;
  readonly rooms: Rooms;

  constructor(options: RoomsOptions & FakeContextOptions = {}) {
    this.context = fakeContext({ framing: "json", ...options });
    this.rooms = new Rooms(this.context, options);
  }

  get launcher(): FakeLauncher {
    return this.context.launcher;
  }

  async join(room = "room"): Promise<Client> {
    const link = new FakeClientLink();
    const opened: ClientEvents[] = [];
    await this.rooms.join(fakeRequest(room), (events) => {
      opened.push(events);
      return link;
    });
    if (opened[0] === undefined) throw new Error("nothing was opened");
    return { link, events: opened[0] };
  }

  get names(): string[] {
    return Array.from(this.rooms.list(), ({ name }) => name);
  }
}

/** Whether the promise is turnEnd once nothing is left to do. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let isOver = false;
  const note = (): void => {
    isOver = true;
  };
  promise.then(note, note);
  await turnEnd();
  return isOver;
}

const forNow = { status: 503, headers: { "Retry-After": "5" } };
const failedHandshake = new RefusedError(400, "handshake is not valid");

test("each room has its own process, and hears nothing of another", async () => {
  const setup = new Setup();
  const first = await setup.join("a");
  const inA = await setup.launcher.process(1);
  const second = await setup.join("b");
  const inB = await setup.launcher.process(2);
  await inA.says(`{"from":"a"}\n{"id":2}\n`);
  await inB.says(`{"from":"b"}\n`);
  expect(first.link.messages).toEqual([`{"from":"a"}`]);
  expect(second.link.messages).toEqual([`{"from":"b"}`]);
  first.events.onMessage(Buffer.from("{}"), false);
  await turnEnd();
  expect([inA.input, inB.input]).toEqual([`{"id":1}\n`, ""]);
});

test("an open room is found and listed with how many are in and have come in, and is gone with its process", async () => {
  const setup = new Setup();
  const first = await setup.join("a");
  const second = await setup.join("a");
  first.events.onClose();
  expect(setup.rooms.find("a")).toMatchObject({ name: "a", connections: 1, joined: 2 });
  expect(setup.names).toEqual(["a"]);
  second.events.onClose();
  (await setup.launcher.process(1)).exits();
  expect(setup.rooms.find("a")).toBeUndefined();
  expect(setup.names).toEqual([]);
});

test("looking for a room does not create it", () => {
  const setup = new Setup();
  for (const name of ["a", "__proto__", "constructor"]) expect(setup.rooms.find(name)).toBeUndefined();
  expect(setup.names).toEqual([]);
});

test("rooms called like members of objects are rooms like any other", async () => {
  const setup = new Setup();
  const names = ["__proto__", "constructor", "hasOwnProperty", "toString"];
  for (const [index, name] of names.entries()) {
    const { link } = await setup.join(name);
    await (await setup.launcher.process(index + 1)).says(`"${name}"\n`);
    expect(link.messages).toEqual([`"${name}"`]);
  }
  expect(setup.names).toEqual(names);
});

test("a client is let in only once there is a place for it", async () => {
  const setup = new Setup();
  const gate = new EventEmitter();
  setup.launcher.gate = once(gate, "open");
  const joining = setup.join();
  expect(await isSettled(joining)).toBe(false);
  gate.emit("open");
  await joining;
  await setup.launcher.launch(1);
});

test("a client whose handshake fails is told so, and leaves neither a room nor a reservation behind", async () => {
  const setup = new Setup();
  const joining = setup.rooms.join(fakeRequest(), () => {
    throw failedHandshake;
  });
  await expect(joining).rejects.toBe(failedHandshake);
  await turnEnd();
  expect(setup.launcher).toMatchObject({ reserved: 1, released: 1, launches: [] });
  expect(setup.names).toEqual([]);
});

test("a client whose handshake fails does not take along the one that came with it", async () => {
  const setup = new Setup();
  const failing = setup.rooms.join(fakeRequest(), () => {
    throw failedHandshake;
  });
  const joining = setup.join();
  await expect(failing).rejects.toBe(failedHandshake);
  const { link } = await joining;
  await (await setup.launcher.process(1)).says("hello\n");
  expect(link.messages).toEqual(["hello"]);
  expect(setup.launcher.held).toBe(0);
});

test("a client for whose room nothing is left is refused before its handshake, and leaves no room behind", async () => {
  const setup = new Setup();
  setup.launcher.refusal = RefusedError.forNow("no port left");
  await expect(setup.join()).rejects.toMatchObject({ ...forNow, message: "no port left" });
  expect(setup.names).toEqual([]);

  setup.launcher.refusal = undefined;
  await setup.join();
  await setup.launcher.process(1);
});

describe("limits over all rooms", () => {
  test("a client that is refused leaves nothing behind, and has a place when another is gone", async () => {
    const setup = new Setup({ admission: new Admission({ maxConnections: 1 }) });
    const first = await setup.join("a");
    await expect(setup.join("b")).rejects.toMatchObject(forNow);
    expect(setup.names).toEqual(["a"]);
    expect(setup.launcher.reserved).toBe(1);
    first.events.onClose();
    await expect(setup.join("b")).rejects.toMatchObject(forNow);
    setup.rooms.clientGone();
    await setup.join("b");
    await expect(setup.join("c")).rejects.toMatchObject(forNow);
  });

  test("clients that come at the same time are counted, also where a handshake fails", async () => {
    const setup = new Setup({ admission: new Admission({ maxConnections: 1 }) });
    const failing = setup.rooms.join(fakeRequest(), () => {
      throw failedHandshake;
    });
    await expect(setup.join()).rejects.toMatchObject(forNow);
    await expect(failing).rejects.toBe(failedHandshake);
    await setup.join();
  });

  test("a room counts until its last process is gone", async () => {
    const setup = new Setup({ admission: new Admission({ maxRooms: 1 }) });
    const first = await setup.join("a");
    const process = await setup.launcher.process(1);
    first.events.onClose();
    await expect(setup.join("b")).rejects.toMatchObject(forNow);
    process.exits();
    await setup.join("b");
  });

  test("a client that is refused by a oneshot server was not the one", async () => {
    const setup = new Setup({ admission: new Admission({ rooms: ["a"] }), onOneshotEnd: () => undefined });
    await expect(setup.join("b")).rejects.toMatchObject({ status: 400 });
    await setup.join("a");
  });
});

describe("draining", () => {
  test("a server without rooms is drained at once, and takes nobody new", async () => {
    const setup = new Setup();
    await setup.rooms.drain();
    await expect(setup.join()).rejects.toMatchObject(forNow);
    expect(setup.launcher.reserved).toBe(0);
    expect(setup.names).toEqual([]);
  });

  test("all clients of all rooms are closed with 1001, and it is over when the last process has ended", async () => {
    const setup = new Setup();
    const clients = [await setup.join("a"), await setup.join("b")];
    const processes = setup.launcher.launches.map(({ link }) => link);
    await Promise.all(setup.launcher.launches.map((launch) => launch.succeed()));
    const draining = setup.rooms.drain();
    for (const { link } of clients) expect(link.closedWith?.code).toBe(1001);
    expect(processes.map(({ asked }) => asked)).toEqual([["terminate"], ["terminate"]]);

    processes[0]?.exits();
    expect(await isSettled(draining)).toBe(false);
    processes[1]?.exits();
    await draining;
  });

  test("a process that is starting is waited for, and ended", async () => {
    const setup = new Setup();
    await setup.join();
    const draining = setup.rooms.drain();
    const process = await setup.launcher.process(1);
    expect(process.asked).toEqual(["terminate"]);
    expect(await isSettled(draining)).toBe(false);
    process.exits();
    await draining;
  });

  test("a start that fails meanwhile ends it too", async () => {
    const setup = new Setup();
    await setup.join();
    const draining = setup.rooms.drain();
    await (await setup.launcher.launch(1)).fail(new ServerError("ERR_COMMAND_NOT_STARTED", "cannot start it"));
    await draining;
  });

  test("whoever waits for the next process of a room is closed, and nothing is started for it", async () => {
    const setup = new Setup();
    const first = await setup.join();
    const process = await setup.launcher.process(1);
    first.events.onClose();
    const waiting = await setup.join();
    const draining = setup.rooms.drain();
    expect(waiting.link.closedWith?.code).toBe(1001);
    process.exits();
    await draining;
    await setup.launcher.launch(1);
  });

  test("a client that is on the way when it begins is refused, and its reservation given back", async () => {
    const setup = new Setup();
    const joining = setup.join();
    const draining = setup.rooms.drain();
    await expect(joining).rejects.toMatchObject(forNow);
    await draining;
    await turnEnd();
    expect(setup.launcher).toMatchObject({ held: 0, launches: [] });
    expect(setup.names).toEqual([]);
    await expect(setup.join()).rejects.toMatchObject(forNow);
  });

  test("with time, rooms with clients are closed in turn, those without at once, and none of them lingers", async () => {
    const setup = new Setup({ lingerMs: 3_600_000 });
    const clients = [await setup.join("a"), await setup.join("b"), await setup.join("c")];
    const processes = await Promise.all(setup.launcher.launches.map(async (launch) => launch.succeed()));
    clients[0]?.events.onClose();
    const draining = setup.rooms.drain({ code: 1012, reason: "soon back", spreadMs: 3_600_000 });
    expect(clients.map(({ link }) => link.closedWith?.code)).toEqual([undefined, 1012, undefined]);
    expect(setup.launcher.launches.map(({ link }) => link.asked)).toEqual([["terminate"], ["terminate"], []]);
    await expect(setup.join("c")).rejects.toMatchObject(forNow);

    clients[2]?.events.onClose();
    expect(setup.launcher.launches.map(({ link }) => link.asked)).toEqual(processes.map(() => ["terminate"]));
    for (const { link } of setup.launcher.launches) link.exits();
    await draining;
  });

  test("all processes can be killed while rooms are closed in turn, and are not started again", async () => {
    const setup = new Setup({ restart: "always" });
    const clients = [await setup.join("a"), await setup.join("b")];
    await Promise.all(setup.launcher.launches.map(async (launch) => launch.succeed()));
    const draining = setup.rooms.drain({ code: 1012, reason: "soon back", spreadMs: 3_600_000 });
    setup.rooms.kill();
    expect(clients.map(({ link }) => link.closedWith?.code)).toEqual([1012, 1012]);
    for (const { link } of setup.launcher.launches) link.exits({ signal: "SIGKILL" });
    await draining;
    expect(setup.launcher.launches).toHaveLength(2);
  });

  test("all processes can be killed on the way", async () => {
    const setup = new Setup();
    await setup.join("a");
    const running = await setup.launcher.process(1);
    await setup.join("b");
    const starting = await setup.launcher.launch(2);
    void setup.rooms.drain();
    setup.rooms.kill();
    await starting.succeed();
    expect(running.asked).toEqual(["terminate", "kill"]);
    expect(starting.link.asked).toEqual(["kill"]);
  });
});

describe("oneshot", () => {
  class OneshotSetup extends Setup {
    readonly over: { count: number };

    constructor() {
      const over = { count: 0 };
      super({ onOneshotEnd: () => void (over.count += 1) });
      this.over = over;
    }
  }

  test("a second client is refused, be it for the same room or another", async () => {
    const setup = new OneshotSetup();
    await setup.join("a");
    await expect(setup.join("a")).rejects.toMatchObject(forNow);
    await expect(setup.join("b")).rejects.toMatchObject(forNow);
    expect(setup.names).toEqual(["a"]);
  });

  test("of two that come at the same time only one is let in", async () => {
    const setup = new OneshotSetup();
    const outcomes = await Promise.allSettled([setup.join(), setup.join()]);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
  });

  test("it is over when the client has left and the process has ended", async () => {
    const setup = new OneshotSetup();
    const { events } = await setup.join();
    const process = await setup.launcher.process(1);
    events.onClose();
    expect(setup.over.count).toBe(0);
    await expect(setup.join()).rejects.toMatchObject(forNow);
    process.exits();
    expect(setup.over.count).toBe(1);
  });

  test("it is over when the process ends", async () => {
    const setup = new OneshotSetup();
    const { link } = await setup.join();
    (await setup.launcher.process(1)).exits({ code: 3 });
    expect(link.closedWith?.code).toBe(1011);
    expect(setup.over.count).toBe(1);
  });

  test("a client whose handshake fails was none: the next one is let in", async () => {
    const setup = new OneshotSetup();
    const joining = setup.rooms.join(fakeRequest(), () => {
      throw failedHandshake;
    });
    await expect(joining).rejects.toBe(failedHandshake);
    expect(setup.over.count).toBe(0);
    await setup.join();
  });

  test("a client that is refused was none: the next one is let in", async () => {
    const setup = new OneshotSetup();
    setup.launcher.refusal = RefusedError.forNow("no port left");
    await expect(setup.join()).rejects.toMatchObject(forNow);
    expect(setup.over.count).toBe(0);
    setup.launcher.refusal = undefined;
    await setup.join();
  });

  test("a drained server does not end a second time", async () => {
    const setup = new OneshotSetup();
    await setup.join();
    const process = await setup.launcher.process(1);
    const draining = setup.rooms.drain();
    process.exits();
    await draining;
    expect(setup.over.count).toBe(0);
  });
});
