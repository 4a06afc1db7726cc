import { describe, expect, test } from "vitest";
import { RefusedError, ServerError } from "../../../src/errors.ts";
import { Histories } from "../../../src/room/histories.ts";
import { type FakeContextOptions, FakeLogger, turnEnd } from "../../helpers/fakes.ts";
import { RoomSetup as Setup } from "../../helpers/room-setup.ts";

const notStarted = new ServerError("ERR_COMMAND_NOT_STARTED", "cannot start it");

/** A room in which more waits for the process than should. */
async function enterFull(options: FakeContextOptions = {}) {
  const setup = new Setup(options);
  const { client, process } = await setup.enterRunning();
  process.hasRoom = false;
  client.say("one");
  await turnEnd();
  return { setup, client, process };
}

describe("a process that does not read", () => {
  test("is told of nobody on top of what waits for it, and of whoever is still there when it reads", async () => {
    const { setup, process } = await enterFull();
    const [gone, next] = [await setup.enter(), await setup.enter()];
    expect(next.link.isPaused).toBe(true);
    gone.leave();
    next.say("two");
    process.reads();
    next.say("three");
    await turnEnd();
    await process.says("hello\n");
    expect(process.input).toBe("+1\none\n+3\nthree\n");
    expect(next.link).toMatchObject({ isPaused: false, messages: ["hello"] });
  });

  test("keeps nobody waiting who is not announced", async () => {
    const { setup, process } = await enterFull({ hasNotices: false });
    const next = await setup.enter();
    await process.says("hello\n");
    expect(next.link.messages).toEqual(["hello"]);
  });

  test("is ended with its last client, and who waited gets another one", async () => {
    const { setup, client, process } = await enterFull();
    const next = await setup.enter();
    client.leave();
    expect(process.asked).toEqual(["terminate"]);
    process.exits();
    expect((await setup.launcher.process(2)).input).toBe("+2\n");
    expect(next.link.isPaused).toBe(false);
  });
});

describe("starting", () => {
  test("the first client starts the process with its own request, and later ones share it", async () => {
    const setup = new Setup();
    const first = await setup.enter();
    const second = await setup.enter();
    const process = await setup.launcher.process(1);
    const third = await setup.enter();
    expect((await setup.launcher.launch(1)).request).toBe(first.request);

    await process.says("hello\n");
    for (const { link } of [first, second, third]) expect(link.messages).toEqual(["hello"]);
    third.say("hi");
    await turnEnd();
    expect(process.input).toBe("+1\n+2\n+3\nhi\n");
    expect(setup.context.counters.processesStarted).toBe(1);
    expect(setup.room).toMatchObject({ connections: 3, joined: 3 });
  });

  test("what clients say while the process is starting reaches it, in order and behind their join messages", async () => {
    const setup = new Setup();
    const first = await setup.enter();
    first.say("one");
    const second = await setup.enter();
    second.say("two");
    first.say("three");
    expect((await setup.launcher.process(1)).input).toBe("+1\none\n+2\ntwo\nthree\n");
  });

  test("a launch that fails closes all clients with 1011 and the reason, and the room is empty", async () => {
    const setup = new Setup();
    const clients = [await setup.enter(), await setup.enter()];
    clients[0]?.say("in vain");
    await (await setup.launcher.launch(1)).fail(notStarted);
    for (const { link } of clients) expect(link.closedWith).toEqual({ code: 1011, reason: "cannot start it" });
    expect(setup).toMatchObject({ empty: 1, room: { connections: 0 } });
    expect(setup.context.counters.processesEnded.not_started).toBe(1);
    expect(setup.context.counters.processesStarted).toBe(0);
    expect(setup.context.counters.dropped.input_closed).toBeGreaterThan(0);
  });

  test("a client that is on the way when a launch fails starts the next one", async () => {
    const setup = new Setup();
    await setup.enter();
    await setup.room.admit();
    await (await setup.launcher.launch(1)).fail(notStarted);
    expect(setup.empty).toBe(0);
    const next = setup.join();
    await setup.launcher.process(2);
    expect(next.link.closedWith).toBeUndefined();
  });

  test("the last client may leave while the process is starting: that hears what was said, and is ended", async () => {
    const setup = new Setup();
    const client = await setup.enter();
    client.say("hello");
    client.leave();
    expect(setup.empty).toBe(0);

    const process = await setup.launcher.process(1);
    expect(process.input).toBe("+1\nhello\n-1\n");
    expect(process.asked).toEqual(["terminate"]);
    process.exits();
    expect(setup.empty).toBe(1);
  });

  test("a client that joins after the last one left during the start waits for a process of its own", async () => {
    const setup = new Setup();
    (await setup.enter()).leave();
    const next = await setup.enter();
    next.say("for the second");
    const first = await setup.launcher.process(1);
    await first.says("from the first\n");
    first.exits();
    const second = await setup.launcher.process(2);
    await second.says("from the second\n");
    expect(first.input).toBe("+1\n-1\n");
    expect(next.link.messages).toEqual(["from the second"]);
  });

  test("a client that joins after the last one left during a start that fails gets the next process", async () => {
    const setup = new Setup();
    (await setup.enter()).leave();
    const next = await setup.enter();
    await (await setup.launcher.launch(1)).fail(notStarted);
    expect(next.link.closedWith).toBeUndefined();
    await setup.launcher.process(2);
    expect(setup.empty).toBe(0);
  });

  test("a process that exits before its start is noticed has its output delivered all the same", async () => {
    const setup = new Setup();
    const { link } = await setup.enter();
    const launch = await setup.launcher.launch(1);
    launch.link.isEnding();
    const process = await launch.succeed();
    await process.says("done\n");
    process.exits();
    expect(link.messages).toEqual(["done"]);
    expect(link.closedWith?.code).toBe(1000);
    expect(setup.empty).toBe(1);
  });
});

describe("stopping", () => {
  test("when the last client leaves its leave message is written and then the process is ended, once", async () => {
    const setup = new Setup();
    const { client, process } = await setup.enterRunning();
    const other = await setup.enter();
    client.leave();
    expect(process.asked).toEqual([]);
    other.say("bye");
    other.leave();
    expect(process.input).toBe("+1\n+2\n-1\nbye\n-2\n");
    expect(process.asked).toEqual(["terminate"]);
    expect(setup.empty).toBe(0);
    process.exits();
    expect(setup.empty).toBe(1);
  });

  test("the leave message is the last also where the process has had no room for long", async () => {
    const setup = new Setup();
    const { client, process } = await setup.enterRunning();
    process.hasRoom = false;
    client.say("one");
    await turnEnd();
    client.say("two");
    client.leave();
    expect(process.input).toBe("+1\none\ntwo\n-1\n");
  });

  test("whoever joins meanwhile waits, and gets a process of its own once the old one is gone", async () => {
    const setup = new Setup();
    const old = await setup.enterStopping();
    const next = await setup.enter();
    expect(next.link.isPaused).toBe(true);
    expect(setup.room.connections).toBe(1);
    await old.says("last words\n");
    await setup.launcher.launch(1);

    old.exits();
    expect(next.link.isPaused).toBe(false);
    const process = await setup.launcher.process(2);
    await process.says("welcome\n");
    next.say("thanks");
    await turnEnd();
    expect(next.link.messages).toEqual(["welcome"]);
    expect(old.input).toBe("+1\n-1\n");
    expect(process.input).toBe("+2\nthanks\n");
    expect((await setup.launcher.launch(2)).request).toBe(next.request);
    expect(setup.empty).toBe(0);
  });

  test("whoever joins when what was just written closes the last client as too slow waits likewise", async () => {
    const setup = new Setup({ limits: { slow: "close", clientBufferBytes: 50 } });
    const { client, process } = await setup.enterRunning();
    client.link.isSlow = true;
    const said = process.says(`${"x".repeat(60)}\n`);
    const next = await setup.enter();
    expect(client.link.closedWith?.code).toBe(4008);
    expect(process.asked).toEqual(["terminate"]);
    await said;
    process.exits();
    expect((await setup.launcher.process(2)).input).toBe("+2\n");
    expect(process.input).toBe("+1\n-1\n");
    expect(next.link).toMatchObject({ messages: [], closedWith: undefined });
  });

  test("all who join meanwhile share the next process, in the order in which they came", async () => {
    const setup = new Setup();
    const old = await setup.enterStopping();
    const clients = [await setup.enter(), await setup.enter(), await setup.enter()];
    old.exits();
    const process = await setup.launcher.process(2);
    await process.says("all\n");
    expect(process.input).toBe("+2\n+3\n+4\n");
    for (const { link } of clients) expect(link.messages).toEqual(["all"]);
  });

  test("whoever waits and leaves again is not announced, and nothing is started for it", async () => {
    const setup = new Setup();
    const old = await setup.enterStopping();
    (await setup.enter()).leave();
    old.exits();
    await setup.launcher.launch(1);
    expect(old.input).toBe("+1\n-1\n");
    expect(setup).toMatchObject({ empty: 1, room: { connections: 0 } });
    expect(setup.launcher.held).toBe(0);
  });

  test("of those who wait the first that is still there starts the next process", async () => {
    const setup = new Setup();
    const old = await setup.enterStopping();
    const gone = await setup.enter();
    const there = await setup.enter();
    gone.leave();
    old.exits();
    expect((await setup.launcher.launch(2)).request).toBe(there.request);
    expect((await setup.launcher.process(2)).input).toBe("+3\n");
  });

  test("a client that waits when nothing is left to start a process with is closed with 1013", async () => {
    const setup = new Setup();
    const old = await setup.enterStopping();
    const next = await setup.enter();
    setup.launcher.refusal = RefusedError.forNow("no port left");
    old.exits();
    await turnEnd();
    expect(next.link.closedWith).toEqual({ code: 1013, reason: "no port left" });
    expect(setup.empty).toBe(1);
  });

  test("a client that was let in before the end and comes after it starts a process too", async () => {
    const setup = new Setup();
    const old = await setup.enterStopping();
    await setup.room.admit();
    old.exits();
    expect(setup.empty).toBe(0);
    setup.join();
    await setup.launcher.process(2);
    expect(setup.launcher.held).toBe(0);
  });

  test("many rounds of joining and leaving never have two processes, and lose nobody", async () => {
    const setup = new Setup();
    for (let round = 1; round <= 20; round += 1) {
      const client = await setup.enter();
      const process = await setup.launcher.process(round);
      await process.says(`round ${round}\n`);
      client.leave();
      const early = round % 2 === 0 ? await setup.enter() : undefined;
      expect(client.link.messages).toEqual([`round ${round}`]);
      early?.leave();
      process.exits();
    }
    expect(setup.empty).toBe(20);
    expect(setup.launcher.held).toBe(0);
  });
});

describe("when the process ends by itself", () => {
  test.each([
    [{ code: 0 }, 1000, "", "success"],
    [{ code: 3 }, 1011, "process exited with code 3", "failure"],
    [{ signal: "SIGSEGV" }, 1011, "process ended by SIGSEGV", "signal"],
    [{ code: 0, fault: "it does not listen" }, 1011, "it does not listen", "failure"],
    [{ signal: "SIGTERM", fault: "it does not listen" }, 1011, "it does not listen", "signal"],
  ] as const)("%o closes all clients with %i", async (exit, code, reason, outcome) => {
    const setup = new Setup();
    const { client, process } = await setup.enterRunning();
    const other = await setup.enter();
    process.exits(exit);
    for (const { link } of [client, other]) expect(link.closedWith).toEqual({ code, reason });
    expect(setup.context.counters.processesEnded[outcome]).toBe(1);
    expect(process.asked).toEqual([]);
    expect(setup).toMatchObject({ empty: 1, room: { connections: 0 } });
  });

  test("what it has written is delivered before its clients are closed, also a last line without its end", async () => {
    const setup = new Setup();
    const { client, process } = await setup.enterRunning();
    process.isEnding();
    await process.says("one\nlast");
    expect(client.link.closedWith).toBeUndefined();
    process.exits({ code: 1 });
    expect(client.link.messages).toEqual(["one", "last"]);
    expect(client.link.closedWith?.code).toBe(1011);
  });

  test("its very last words are delivered before its clients are closed, however soon it ends behind them", async () => {
    const setup = new Setup();
    const { client, process } = await setup.enterRunning();
    const said = process.says("one\nlast");
    process.exits();
    expect(client.link.messages).toEqual(["one", "last"]);
    await said;
    expect(client.link.messages).toEqual(["one", "last"]);
  });

  test("whoever joins while its output still comes gets none of that, and the next process", async () => {
    const setup = new Setup();
    const { client, process } = await setup.enterRunning();
    process.isEnding();
    const next = await setup.enter();
    await process.says("old\n");
    process.exits({ code: 3 });
    expect(client.link.closedWith?.code).toBe(1011);
    expect(next.link.closedWith).toBeUndefined();
    await (await setup.launcher.process(2)).says("new\n");
    expect(next.link.messages).toEqual(["new"]);
  });

  test("the last client may leave while its output still comes, and it is not asked to end again", async () => {
    const setup = new Setup();
    const { client, process } = await setup.enterRunning();
    process.isEnding();
    client.leave();
    await process.says("for nobody\n");
    process.exits();
    expect(process.asked).toEqual([]);
    expect(setup.empty).toBe(1);
  });

  test("a half line of one process does not begin the output of the next", async () => {
    const setup = new Setup();
    const { process } = await setup.enterRunning();
    process.isEnding();
    const next = await setup.enter();
    await process.says("half a line");
    process.exits();
    await (await setup.launcher.process(2)).says("whole\n");
    expect(next.link.messages).toEqual(["whole"]);
  });

  test("messages that it never read are counted, and do not reach the next process", async () => {
    const setup = new Setup({ hasNotices: false });
    const { client, process } = await setup.enterRunning();
    process.hasRoom = false;
    client.say("read");
    await turnEnd();
    client.say("unread");
    process.isEnding();
    await setup.enter();
    process.exits();
    expect(setup.context.counters.dropped.input_closed).toBe(1);
    expect((await setup.launcher.process(2)).input).toBe("");
  });

  test("a bad end with clients left is worth a warning, a good one or one that was asked for is not", async () => {
    const logger = new FakeLogger();
    const setup = new Setup({ logger });
    const { process } = await setup.enterRunning();
    process.exits({ code: 3 });
    expect(logger.lines).toContain("warn process exited with code 3");

    (await setup.enter()).leave();
    (await setup.launcher.process(2)).exits({ signal: "SIGTERM" });
    expect(logger.lines).toContain("info process ended by SIGTERM");

    await setup.enter();
    (await setup.launcher.process(3)).exits();
    expect(logger.lines).toContain("info process exited with code 0");

    await setup.enter();
    (await setup.launcher.process(4)).exits({ fault: "it does not listen" });
    expect(logger.lines).toContain("warn it does not listen");
  });
});

describe("when output cannot be read on from", () => {
  const tooLong = "x".repeat(65);

  test("its clients are closed with 1011 and the reason, and the process is ended", async () => {
    const setup = new Setup();
    const { client, process } = await setup.enterRunning();
    await process.says(`good\n${tooLong}`);
    expect(client.link.messages).toEqual(["good"]);
    expect(client.link.closedWith).toEqual({ code: 1011, reason: "process wrote a line of more than 64 bytes" });
    expect(process.asked).toEqual(["terminate"]);
    process.exits();
    expect(setup.empty).toBe(1);
    expect(setup.context.counters.processesEnded).toMatchObject({ success: 0, failure: 1 });
  });

  test("whoever joins then gets a new process", async () => {
    const setup = new Setup();
    const { process } = await setup.enterRunning();
    await process.says(tooLong);
    const next = await setup.enter();
    await process.says("more\n");
    process.exits();
    await (await setup.launcher.process(2)).says("good\n");
    expect(next.link.messages).toEqual(["good"]);
  });

  test("a process that is ending anyway is not asked again", async () => {
    const setup = new Setup();
    const process = await setup.enterStopping();
    await process.says(tooLong);
    expect(process.asked).toEqual(["terminate"]);
  });
});

describe("letting in", () => {
  test("what a process needs is reserved once for all who come at the same time, and used", async () => {
    const setup = new Setup();
    await Promise.all([setup.room.admit(), setup.room.admit()]);
    setup.join();
    setup.join();
    await setup.launcher.process(1);
    expect(setup.launcher).toMatchObject({ reserved: 1, released: 0 });
  });

  test("whoever comes while the process is there reserves nothing", async () => {
    const setup = new Setup();
    await setup.enterRunning();
    await setup.enter();
    expect(setup.launcher.reserved).toBe(1);
  });

  test("the reservation is given back when the client does not come after all, and the room is empty", async () => {
    const setup = new Setup();
    await setup.room.admit();
    expect(setup.launcher.held).toBe(1);
    setup.room.cancel();
    await turnEnd();
    expect(setup.launcher).toMatchObject({ held: 0, released: 1 });
    expect(setup.empty).toBe(1);
  });

  test("the reservation is kept for another client that is on the way", async () => {
    const setup = new Setup();
    await Promise.all([setup.room.admit(), setup.room.admit()]);
    setup.room.cancel();
    await turnEnd();
    expect(setup).toMatchObject({ empty: 0, launcher: { released: 0 } });
    setup.join();
    await setup.launcher.process(1);
    expect(setup.launcher).toMatchObject({ reserved: 1, held: 0 });
  });

  test("a refusal reaches all who came for it, and the next client tries anew", async () => {
    const setup = new Setup();
    setup.launcher.refusal = RefusedError.forNow("no port left");
    const admitted = [setup.room.admit(), setup.room.admit()];
    const outcomes = await Promise.allSettled(admitted);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    setup.room.cancel();
    expect(setup.empty).toBe(0);

    setup.launcher.refusal = undefined;
    await setup.room.admit();
    setup.room.cancel();
    expect(setup.empty).toBe(0);
    setup.join();
    await setup.launcher.process(1);
  });

  test("a client that does not come leaves a running room as it is", async () => {
    const setup = new Setup();
    const { process } = await setup.enterRunning();
    await setup.room.admit();
    setup.room.cancel();
    expect(process.asked).toEqual([]);
    expect(setup.empty).toBe(0);
  });

  test("the room of a client that is on the way outlives its process", async () => {
    const setup = new Setup();
    const { process } = await setup.enterRunning();
    await setup.room.admit();
    process.exits();
    expect(setup.empty).toBe(0);
    setup.room.cancel();
    expect(setup.empty).toBe(1);
  });
});

describe("closing", () => {
  const goingAway = { code: 1001, reason: "server is shutting down" };

  function close(setup: Setup): void {
    setup.room.close(goingAway.code, goingAway.reason);
  }

  test("a running room closes all clients and ends its process in its steps, with all leave messages", async () => {
    const setup = new Setup();
    const { client, process } = await setup.enterRunning();
    const other = await setup.enter();
    close(setup);
    for (const { link } of [client, other]) expect(link.closedWith).toEqual(goingAway);
    expect(process.input).toBe("+1\n+2\n-1\n-2\n");
    expect(process.asked).toEqual(["terminate"]);
    process.exits({ signal: "SIGTERM" });
    expect(setup.empty).toBe(1);
  });

  test("a starting room closes its clients, and ends the process as soon as it is there", async () => {
    const setup = new Setup();
    const { link } = await setup.enter();
    close(setup);
    expect(link.closedWith).toEqual(goingAway);
    expect(setup.empty).toBe(0);
    const process = await setup.launcher.process(1);
    expect(process.asked).toEqual(["terminate"]);
    process.exits();
    expect(setup.empty).toBe(1);
  });

  test("a stopping room closes those who wait too, and starts nothing more", async () => {
    const setup = new Setup();
    const process = await setup.enterStopping();
    const waiting = [await setup.enter(), await setup.enter()];
    close(setup);
    for (const { link } of waiting) expect(link.closedWith).toEqual(goingAway);
    process.exits();
    await setup.launcher.launch(1);
    expect(setup.empty).toBe(1);
  });

  test("a room whose process still talks after its exit closes its clients, and waits for its end", async () => {
    const setup = new Setup();
    const { client, process } = await setup.enterRunning();
    process.isEnding();
    close(setup);
    expect(client.link.closedWith).toEqual(goingAway);
    expect(setup.empty).toBe(0);
    process.exits();
    expect(setup.empty).toBe(1);
  });

  test("a running process is killed at once where that is asked for", async () => {
    const setup = new Setup();
    const { process } = await setup.enterRunning();
    close(setup);
    setup.room.kill();
    expect(process.asked).toEqual(["terminate", "kill"]);
  });

  test("a process that is starting is killed as soon as it is there", async () => {
    const setup = new Setup();
    await setup.enter();
    close(setup);
    setup.room.kill();
    expect((await setup.launcher.process(1)).asked).toEqual(["kill"]);
  });

  test("a kill is not for the next process of a room that goes on", async () => {
    const setup = new Setup();
    const { client, process } = await setup.enterRunning();
    client.leave();
    setup.room.kill();
    await setup.enter();
    process.exits({ signal: "SIGKILL" });
    expect((await setup.launcher.process(2)).asked).toEqual([]);
  });
});

describe("what is kept", () => {
  const cache = { kept: "all", messages: 10 } as const;
  const create = (cachePersist: boolean): Histories | undefined =>
    Histories.create({ cache, cacheBytes: 1 << 20, cachePersist });

  test.each([
    [false, []],
    [true, ["one"]],
  ])("outlives the process for who waited for the next one if it is to persist (%s)", async (doesPersist, expected) => {
    const setup = new Setup({ histories: create(doesPersist) as Histories });
    const { client, process } = await setup.enterRunning();
    await process.says("one\n");
    client.leave();
    const next = await setup.enter();
    process.exits();
    await setup.launcher.process(2);
    expect(next.link.messages).toEqual(expected);
  });

  test.each([
    [false, []],
    [true, ["one", "last words"]],
  ])("outlives the room if it is to persist (%s)", async (doesPersist, expected) => {
    const histories = create(doesPersist) as Histories;
    const setup = new Setup({ histories });
    const { client, process } = await setup.enterRunning();
    await process.says("one\n");
    client.leave();
    await process.says("last words\n");
    process.exits();
    expect(setup.empty).toBe(1);
    const again = new Setup({ histories });
    expect((await again.enter()).link.messages).toEqual(expected);
  });

  test("is not lost by a room that nobody came to in the end", async () => {
    const histories = create(true) as Histories;
    const setup = new Setup({ histories });
    const { client, process } = await setup.enterRunning();
    await process.says("one\n");
    client.leave();
    process.exits();
    const cancelled = new Setup({ histories });
    await cancelled.room.admit();
    cancelled.room.cancel();
    expect(cancelled.empty).toBe(1);
    expect((await new Setup({ histories }).enter()).link.messages).toEqual(["one"]);
  });
});

test("metadata is there from when the process says it until the process is gone", async () => {
  const setup = new Setup({ framing: "json" });
  const { client, process } = await setup.enterRunning();
  expect(setup.room.metadata).toBe(undefined);
  await process.says(`{"_meta":true,"topic":"x"}\n`);
  expect(setup.room.metadata).toBe(`{"topic":"x"}`);
  await process.says(`{"_meta":true}\n`);
  expect(setup.room.metadata).toBe("{}");
  client.leave();
  await setup.enter();
  process.exits();
  expect(setup.room.metadata).toBe(undefined);
});

test("a process that closes the last client is ended as after any other last one", async () => {
  const setup = new Setup({ framing: "json" });
  const { client, process } = await setup.enterRunning();
  await process.says(`{"_close":4001,"_reason":"over"}\n{"too":"late"}\n`);
  expect(client.link.closedWith).toEqual({ code: 4001, reason: "over" });
  expect(client.link.messages).toEqual([]);
  expect(process.asked).toEqual(["terminate"]);
  process.exits();
  expect(setup.empty).toBe(1);
});
