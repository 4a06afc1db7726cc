import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { RefusedError, ServerError } from "../../../src/errors.ts";
import { FakeLogger, type FakeProcessLink, turnEnd } from "../../helpers/fakes.ts";
import { RoomSetup } from "../../helpers/room-setup.ts";

const mebibyte = 1024 * 1024;
const notStarted = new ServerError("ERR_COMMAND_NOT_STARTED", "cannot start it");
const goingAway = { code: 1001, reason: "server is shutting down" };

/** Lets the time before a new start pass, and returns the process that is started then. */
async function next(setup: RoomSetup, count: number, delayMs = 100): Promise<FakeProcessLink> {
  vi.advanceTimersByTime(delayMs - 1);
  await setup.launcher.launch(count - 1);
  vi.advanceTimersByTime(1);
  return setup.launcher.process(count);
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("lingering", () => {
  const lingerMs = 1000;

  test("the process lives on after its last client left, and is ended when nobody comes back in time", async () => {
    const setup = new RoomSetup({ lingerMs });
    const process = await setup.enterStopping();
    await turnEnd();
    expect(process.input).toBe("+1\n-1\n");
    vi.advanceTimersByTime(lingerMs - 1);
    expect(process.asked).toEqual([]);
    expect(setup.room.connections).toBe(0);
    vi.advanceTimersByTime(1);
    expect(process.asked).toEqual(["terminate"]);
    process.exits();
    expect(setup.empty).toBe(1);
  });

  test("who comes back in time finds it, and what it wrote meanwhile went to nobody", async () => {
    const setup = new RoomSetup({ lingerMs });
    const process = await setup.enterStopping();
    await process.says("for nobody\n");
    vi.advanceTimersByTime(lingerMs - 1);
    const back = await setup.enter();
    vi.advanceTimersByTime(10 * lingerMs);
    await process.says("welcome\n");
    expect(back.link.messages).toEqual(["welcome"]);
    expect(process).toMatchObject({ input: "+1\n-1\n+2\n", asked: [] });
    expect(setup.launcher.reserved).toBe(1);
  });

  test("it lives on for who came back in time, also where it did not read then", async () => {
    const setup = new RoomSetup({ lingerMs });
    const { client, process } = await setup.enterRunning();
    process.hasRoom = false;
    client.leave();
    await turnEnd();
    const back = await setup.enter();
    process.reads();
    vi.advanceTimersByTime(10 * lingerMs);
    await turnEnd();
    expect(process).toMatchObject({ input: "+1\n-1\n+2\n", asked: [] });
    expect(back.link.isPaused).toBe(false);
  });

  test("each time the last client leaves the whole time begins anew", async () => {
    const setup = new RoomSetup({ lingerMs });
    const process = await setup.enterStopping();
    vi.advanceTimersByTime(lingerMs - 1);
    (await setup.enter()).leave();
    vi.advanceTimersByTime(lingerMs - 1);
    expect(process.asked).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(process.asked).toEqual(["terminate"]);
  });

  test("a process whose clients left while it was starting lingers too", async () => {
    const setup = new RoomSetup({ lingerMs });
    (await setup.enter()).leave();
    const process = await setup.launcher.process(1);
    expect(process.asked).toEqual([]);
    (await setup.enter()).leave();
    await turnEnd();
    expect(process.input).toBe("+1\n-1\n+2\n-2\n");
    vi.advanceTimersByTime(lingerMs);
    expect(process.asked).toEqual(["terminate"]);
  });

  test("a process that ends meanwhile leaves an empty room, and is not started again", async () => {
    const setup = new RoomSetup({ lingerMs, restart: "always" });
    const process = await setup.enterStopping();
    process.exits({ code: 1 });
    expect(setup.empty).toBe(1);
    vi.advanceTimersByTime(10 * lingerMs);
    await setup.launcher.launch(1);
    expect(process.asked).toEqual([]);
  });

  test("a process that wrote what cannot be read while it lingers is ended at once", async () => {
    const setup = new RoomSetup({ lingerMs });
    const process = await setup.enterStopping();
    await process.says("x".repeat(65));
    expect(process.asked).toEqual(["terminate"]);
  });

  test.each(["running", "lingering", "starting", "deserted while starting"])(
    "a room that is %s ends its process when it is closed, without waiting for anybody",
    async (state) => {
      const setup = new RoomSetup({ lingerMs });
      const client = await setup.enter();
      if (state === "running" || state === "lingering") await setup.launcher.process(1);
      if (state === "lingering" || state.startsWith("deserted")) client.leave();
      setup.room.close(goingAway.code, goingAway.reason);
      const { link } = await setup.launcher.launch(1);
      const process = state.includes("starting") ? await setup.launcher.process(1) : link;
      expect(process.asked).toEqual(["terminate"]);
      process.exits();
      expect(setup.empty).toBe(1);
    },
  );

  test("a lingering process can be killed", async () => {
    const setup = new RoomSetup({ lingerMs });
    const process = await setup.enterStopping();
    setup.room.kill();
    expect(process.asked).toEqual(["kill"]);
  });
});

describe("starting again", () => {
  test.each([
    ["never", { code: 3 }, false],
    ["on-failure", { code: 3 }, true],
    ["on-failure", { signal: "SIGSEGV" }, true],
    ["on-failure", { code: 0, fault: "it does not listen" }, true],
    ["on-failure", { code: 0 }, false],
    ["always", { code: 0 }, true],
    ["always", { code: 3 }, true],
  ] as const)("%s: after %o the clients stay: %s", async (restart, exit, isRestarted) => {
    const setup = new RoomSetup({ restart });
    const { client, process } = await setup.enterRunning();
    process.exits(exit);
    expect(client.link.closedWith === undefined).toBe(isRestarted);
    expect(setup.empty).toBe(isRestarted ? 0 : 1);
    if (!isRestarted) return;
    await (await next(setup, 2)).says("hello again\n");
    expect(client.link.messages).toEqual(["hello again"]);
  });

  test("the next process hears of all clients in the order of joining, then what they have said meanwhile", async () => {
    const setup = new RoomSetup({ restart: "always" });
    const { client: first, process } = await setup.enterRunning();
    const second = await setup.enter();
    const third = await setup.enter();
    second.say("read");
    await turnEnd();
    process.isEnding();
    third.say("one");
    first.say("two");
    process.exits();
    second.say("three");
    await turnEnd();
    expect(process.input).toBe("+1\n+2\n+3\nread\n");
    expect((await next(setup, 2)).input).toBe("+1\n+2\n+3\none\ntwo\nthree\n");
  });

  test("whoever joins meanwhile is announced once, and whoever leaves is not announced to the next process", async () => {
    const setup = new RoomSetup({ restart: "always" });
    const { process } = await setup.enterRunning();
    const leaver = await setup.enter();
    await turnEnd();
    process.isEnding();
    const newcomer = await setup.enter();
    leaver.say("bye");
    leaver.leave();
    process.exits();
    const late = await setup.enter();
    newcomer.say("new");
    late.say("late");
    const second = await next(setup, 2);
    expect(process.input).toBe("+1\n+2\n");
    expect(second.input).toBe("+1\nbye\n+3\n+4\nnew\nlate\n");
    newcomer.leave();
    await turnEnd();
    expect(second.input).toContain("late\n-3\n");
  });

  test("no process hears what a client says that leaves before one was told of it", async () => {
    const setup = new RoomSetup({ restart: "always" });
    const { client, process } = await setup.enterRunning();
    const comeAndGo = async (): Promise<void> => {
      const newcomer = await setup.enter();
      newcomer.say("lost");
      newcomer.leave();
    };
    await turnEnd();
    process.isEnding();
    await comeAndGo();
    process.exits();
    client.say("x".repeat(mebibyte));
    await comeAndGo();
    expect((await next(setup, 2)).input.replace(/x+\n/, "")).toBe("+1\n");
    expect(setup.context.counters.dropped.input_closed).toBe(2);
  });

  test("whoever leaves while the next process is waited for is announced and taken leave of", async () => {
    const setup = new RoomSetup({ restart: "always" });
    const { process } = await setup.enterRunning();
    const other = await setup.enter();
    process.exits();
    other.say("bye");
    other.leave();
    expect((await next(setup, 2)).input).toBe("+1\n+2\nbye\n-2\n");
  });

  test("what was not handed over goes to the next process, whole, and without notices of the last one", async () => {
    const setup = new RoomSetup({ restart: "on-failure" });
    const { client, process } = await setup.enterRunning();
    const other = await setup.enter();
    process.hasRoom = false;
    client.say("handed over");
    await turnEnd();
    client.say("unread");
    other.say("unread too");
    process.exits({ code: 1 });
    expect((await next(setup, 2)).input).toBe("+1\n+2\nunread\nunread too\n");
    expect(setup.context.counters.dropped.input_closed).toBe(0);
  });

  test("what comes when the process has closed its input waits for the next one", async () => {
    const setup = new RoomSetup({ restart: "always" });
    const { client, process } = await setup.enterRunning();
    process.closesInput();
    client.say("for the next");
    (await setup.enter()).leave();
    await turnEnd();
    expect(process.input).toBe("+1\n");
    process.exits();
    expect((await next(setup, 2)).input).toBe("+1\nfor the next\n");
  });

  test("what the process has written before its end is delivered, also a last line without its end", async () => {
    const setup = new RoomSetup({ restart: "always" });
    const { client, process } = await setup.enterRunning();
    process.isEnding();
    await process.says("one\nlast");
    process.exits();
    await (await next(setup, 2)).says("next\n");
    expect(client.link.messages).toEqual(["one", "last", "next"]);
  });

  test("the new process has the same request as the one before", async () => {
    const setup = new RoomSetup({ restart: "always" });
    const { client, process } = await setup.enterRunning();
    const other = await setup.enter();
    client.leave();
    process.exits();
    await next(setup, 2);
    expect((await setup.launcher.launch(2)).request).toBe(client.request);
    expect(other.link.closedWith).toBeUndefined();
  });

  test("more than 1 MiB makes clients wait, and goes on in order when the next process is there", async () => {
    const setup = new RoomSetup({ restart: "always", hasNotices: false });
    const { client, process } = await setup.enterRunning();
    process.exits();
    const half = "x".repeat(mebibyte / 2);
    client.say(half);
    client.say(half.slice(0, -2));
    expect(client.link.isPaused).toBe(false);
    client.say("y");
    expect(client.link.isPaused).toBe(true);
    const late = await setup.enter();
    expect(late.link.isPaused).toBe(true);
    const second = await next(setup, 2);
    expect([client, late].map(({ link }) => link.isPaused)).toEqual([false, false]);
    expect(second.input === `${half}\n${half.slice(0, -2)}\ny\n`).toBe(true);
  });

  test("clients that come and go while too much waits leave nothing behind", async () => {
    const setup = new RoomSetup({ restart: "always" });
    const { client, process } = await setup.enterRunning();
    process.exits();
    client.say("x".repeat(mebibyte));
    (await setup.enter()).leave();
    const stays = await setup.enter();
    const second = await next(setup, 2);
    expect(second.input.replace(/x+\n/, "")).toBe("+1\n+3\n");
    expect(stays.link.isPaused).toBe(false);
  });

  test("clients that wait for a process that reads nothing wait on for the next one, until that reads", async () => {
    const setup = new RoomSetup({ restart: "always", hasNotices: false });
    const { client, process } = await setup.enterRunning();
    process.hasRoom = false;
    client.say("handed over");
    await turnEnd();
    client.say("x".repeat(mebibyte));
    expect(client.link.isPaused).toBe(true);
    process.exits();
    expect(client.link.isPaused).toBe(true);
    await next(setup, 2);
    expect(client.link.isPaused).toBe(false);
  });

  test("a client that is behind makes the next process wait too", async () => {
    const setup = new RoomSetup({ restart: "always", limits: { slowTimeoutMs: 60_000 } });
    const { client, process } = await setup.enterRunning();
    client.link.isSlow = true;
    await process.says(`${"x".repeat(60)}\n${"x".repeat(60)}\n`);
    expect(process.isPaused).toBe(true);
    process.exits();
    const second = await next(setup, 2);
    expect(second.isPaused).toBe(true);
    client.link.take();
    expect(second.isPaused).toBe(false);
  });

  test("the wait doubles up to 10 s while processes keep ending, and is short again after a long life", async () => {
    const logger = new FakeLogger();
    const setup = new RoomSetup({ restart: "always", logger });
    let { process } = await setup.enterRunning();
    let count = 1;
    for (const delayMs of [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]) {
      process.exits();
      count += 1;
      process = await next(setup, count, delayMs);
      expect(logger.lines).toContain(`info starting a new process in ${delayMs / 1000} s`);
    }
    vi.advanceTimersByTime(10_001);
    process.exits();
    process = await next(setup, count + 1, 100);
    process.exits();
    await next(setup, count + 2, 200);
  });

  test("a start that fails is tried again, with all that clients have said meanwhile", async () => {
    const setup = new RoomSetup({ restart: "on-failure" });
    const client = await setup.enter();
    client.say("one");
    await (await setup.launcher.launch(1)).fail(notStarted);
    client.say("two");
    vi.advanceTimersByTime(100);
    await (await setup.launcher.launch(2)).fail(RefusedError.forNow("no port left"));
    const late = await setup.enter();
    late.say("three");
    late.leave();
    expect((await next(setup, 3, 200)).input).toBe("+1\none\ntwo\n+2\nthree\n-2\n");
    expect(client.link.closedWith).toBeUndefined();
    expect(setup.launcher.held).toBe(0);
    expect(setup.context.counters.processesEnded.not_started).toBe(2);
  });

  test("a process that exits before its start is noticed has read nothing: the next one gets all", async () => {
    const setup = new RoomSetup({ restart: "on-failure" });
    const client = await setup.enter();
    client.say("hello");
    const launch = await setup.launcher.launch(1);
    launch.link.isEnding();
    const process = await launch.succeed();
    process.exits({ code: 1 });
    expect(process.input).toBe("");
    expect((await next(setup, 2)).input).toBe("+1\nhello\n");
  });

  test("output that cannot be read on from ends the process, and the clients get the next one", async () => {
    const setup = new RoomSetup({ restart: "on-failure" });
    const { client, process } = await setup.enterRunning();
    await process.says(`good\n${"x".repeat(65)}`);
    expect(process.asked).toEqual(["terminate"]);
    client.say("meanwhile");
    await turnEnd();
    process.exits({ code: 0 });
    const second = await next(setup, 2);
    await second.says("fine\n");
    expect(client.link).toMatchObject({ messages: ["good", "fine"], closedWith: undefined });
    expect(second.input).toBe("+1\nmeanwhile\n");
  });

  test("a process that is ended since all clients left is not started again, also where it ends badly", async () => {
    const setup = new RoomSetup({ restart: "always" });
    const process = await setup.enterStopping();
    process.exits({ signal: "SIGTERM" });
    expect(setup.empty).toBe(1);
    vi.advanceTimersByTime(60_000);
    await setup.launcher.launch(1);
  });

  test("when all clients leave while the next process is waited for, none is started and the room is empty", async () => {
    const setup = new RoomSetup({ restart: "always", lingerMs: 1000 });
    const { client, process } = await setup.enterRunning();
    process.exits();
    client.say("in vain");
    client.leave();
    expect(setup).toMatchObject({ empty: 1, room: { connections: 0 } });
    vi.advanceTimersByTime(60_000);
    await setup.launcher.launch(1);
    expect(setup.context.counters.dropped.input_closed).toBeGreaterThan(0);
  });

  test("a room that is closed while the next process is waited for closes its clients and is empty", async () => {
    const setup = new RoomSetup({ restart: "always" });
    const { client, process } = await setup.enterRunning();
    process.exits();
    client.say("x".repeat(mebibyte));
    const newcomer = await setup.enter();
    setup.room.close(goingAway.code, goingAway.reason);
    for (const { link } of [client, newcomer]) expect(link.closedWith).toEqual(goingAway);
    expect(setup).toMatchObject({ empty: 1, room: { connections: 0 } });
    vi.advanceTimersByTime(60_000);
    await setup.launcher.launch(1);
  });

  test("a room that is closed while a process ends by itself starts none", async () => {
    const setup = new RoomSetup({ restart: "always" });
    const { client, process } = await setup.enterRunning();
    process.isEnding();
    setup.room.close(goingAway.code, goingAway.reason);
    expect(client.link.closedWith).toEqual(goingAway);
    process.exits({ code: 1 });
    expect(setup.empty).toBe(1);
  });

  test("messages over all framings go on as they would have gone to the process before", async () => {
    const setup = new RoomSetup({ restart: "always", framing: "gwsocket" });
    const { client, process } = await setup.enterRunning();
    process.isEnding();
    client.say("hi");
    process.exits();
    const header = "\0\0\0\u{1}\0\0\0\u{1}\0\0\0\u{2}";
    expect((await next(setup, 2)).input).toBe(`${header}+1${header}hi`);
  });
});

describe("the most clients of a room", () => {
  const full = { status: 503, message: "room is full", headers: { "Retry-After": "5" } };

  test("one too many is refused, and has a place when another leaves", async () => {
    const setup = new RoomSetup({ maxClients: 2 });
    const first = await setup.enter();
    await setup.enter();
    await expect(setup.room.admit()).rejects.toMatchObject(full);
    setup.room.cancel();
    first.leave();
    await setup.enter();
    expect(setup.room.connections).toBe(2);
  });

  test("those on the way count, and those who wait for the next process", async () => {
    const setup = new RoomSetup({ maxClients: 2 });
    const process = await setup.enterStopping();
    await setup.enter();
    await setup.room.admit();
    await expect(setup.room.admit()).rejects.toMatchObject(full);
    setup.room.cancel();
    setup.join();
    process.exits();
    expect((await setup.launcher.process(2)).input).toBe("+2\n+3\n");
  });
});
