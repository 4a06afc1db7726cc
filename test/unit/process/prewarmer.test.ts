import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ProcessEvents, ProcessExit } from "../../../src/links.ts";
import { Prewarmer } from "../../../src/process/prewarmer.ts";
import { FakeLauncher, FakeLogger, fakeRequest, noProcessEvents, turnEnd } from "../../helpers/fakes.ts";

beforeEach(() => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => vi.useRealTimers());

/** A room that keeps what it hears. */
class Listener implements ProcessEvents {
  readonly heard: string[] = [];
  onChunk = (chunk: Buffer): void => this.#hear(`chunk ${String(chunk)}`);
  onErrorChunk = (chunk: Buffer): void => this.#hear(`error ${String(chunk)}`);
  onWritable = (): void => this.#hear("writable");
  onInputClosed = (): void => this.#hear("input closed");
  onEnding = (): void => this.#hear("ending");
  onEnd = ({ code }: ProcessExit): void => this.#hear(`end ${code}`);

  #hear(what: string): void {
    this.heard.push(what);
  }
}

/** A prewarmer of so many, whose processes have all started. */
async function setup(count: number) {
  const launcher = new FakeLauncher();
  const logger = new FakeLogger();
  const prewarmer = new Prewarmer(launcher, count, logger);
  const launches = async (): Promise<FakeLauncher["launches"]> => {
    await turnEnd();
    return launcher.launches;
  };
  prewarmer.start();
  for (const launch of await launches()) await launch.succeed();
  const take = async (events: ProcessEvents = noProcessEvents) => {
    const reservation = await prewarmer.reserve();
    return reservation.launch(fakeRequest(), events);
  };
  return { launcher, logger, prewarmer, launches, take };
}

test("so many processes are started ahead, know of no request, and are not read from", async () => {
  const { launches } = await setup(3);
  const started = await launches();
  expect(started.map(({ request }) => request)).toEqual([undefined, undefined, undefined]);
  expect(started.map(({ link }) => link.isPaused)).toEqual([true, true, true]);
});

test("nothing is started before the start", async () => {
  const launcher = new FakeLauncher();
  const prewarmer = new Prewarmer(launcher, 3, new FakeLogger());
  await turnEnd();
  expect(launcher.launches).toEqual([]);
  prewarmer.start();
  await turnEnd();
  expect(launcher.launches).toHaveLength(3);
});

test("a room gets the oldest one, hears all of it from then on, and another is started", async () => {
  const { launcher, launches, take } = await setup(2);
  const [first] = await launches();
  const room = new Listener();
  expect(await take(room)).toBe(first?.link);
  expect(first?.link.isPaused).toBe(false);
  expect(await launches()).toHaveLength(3);
  await first?.link.says("hello");
  await first?.link.complains("oops");
  first?.link.reads();
  first?.link.closesInput();
  first?.link.exits({ code: 3 });
  expect(room.heard).toEqual(["chunk hello", "error oops", "writable", "input closed", "ending", "end 3"]);
  expect(launcher.held).toBe(0);
});

test("when there is none left a room gets a new one, which knows of no request either", async () => {
  const { launches, take } = await setup(1);
  const [first] = await launches();
  expect(await take()).toBe(first?.link);
  const taking = take();
  const [, , third] = await launches();
  expect(third?.request).toBeUndefined();
  await third?.succeed();
  expect(await taking).toBe(third?.link);
});

test("one that has exited is given to nobody, and is read to its end", async () => {
  const { launches, take } = await setup(2);
  const [first, second] = await launches();
  first?.link.isEnding();
  expect(first?.link.isPaused).toBe(false);
  await first?.link.says("last words");
  expect(await take()).toBe(second?.link);
});

test("what it says on stderr is logged until a room hears it, a last line without its end, too", async () => {
  const { logger, launches, take } = await setup(2);
  const [first, second] = await launches();
  await first?.link.complains("early\nunfi");
  expect(logger.lines).toEqual(["info stderr: early"]);
  const room = new Listener();
  await take(room);
  await first?.link.complains("nished\n");
  await second?.link.complains("why");
  second?.link.exits({ code: 3 });
  expect(room.heard).toEqual(["error nished\n"]);
  expect(logger.lines.slice(1)).toEqual([
    "info stderr: unfi",
    "info stderr: why",
    expect.stringContaining("process exited with code 3"),
  ]);
});

test("those that end before use are replaced after pauses that grow, with one line in the log", async () => {
  const { logger, launches } = await setup(2);
  let count = 2;
  for (const pauseMs of [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]) {
    for (const { link } of (await launches()).slice(-2)) link.exits({ code: 7 });
    vi.advanceTimersByTime(pauseMs - 1);
    expect(await launches()).toHaveLength(count);
    vi.advanceTimersByTime(1);
    count += 2;
    const started = await launches();
    expect(started).toHaveLength(count);
    for (const launch of started.slice(-2)) await launch.succeed();
  }
  expect(logger.lines).toEqual([
    "warn a process that was started ahead is of no use: process exited with code 7; trying again, ever more slowly",
  ]);
});

test("starts that fail are tried again in the same way, and all is well when a room has taken one", async () => {
  const { logger, launches, take } = await setup(1);
  (await launches())[0]?.link.exits({ signal: "SIGKILL" });
  for (const pauseMs of [100, 200]) {
    vi.advanceTimersByTime(pauseMs);
    await (await launches()).at(-1)?.fail(new Error("cannot start it"));
  }
  vi.advanceTimersByTime(400);
  await (await launches()).at(-1)?.succeed();
  await take();
  await (await launches()).at(-1)?.fail(new Error("cannot start it again"));
  const before = (await launches()).length;
  vi.advanceTimersByTime(100);
  expect(await launches()).toHaveLength(before + 1);
  expect(logger.lines).toEqual([
    expect.stringContaining("process ended by SIGKILL"),
    expect.stringContaining("cannot start it again"),
  ]);
});

test("a room does not wait for a pause", async () => {
  const { launches, take } = await setup(1);
  (await launches())[0]?.link.exits({ code: 1 });
  const taking = take();
  const [, second] = await launches();
  await second?.succeed();
  expect(await taking).toBe(second?.link);
});

test("draining ends all in their steps, those too that are just starting, and waits for them", async () => {
  const { prewarmer, launches, take } = await setup(2);
  const [first, second] = await launches();
  await take();
  const [, , third] = await launches();
  let isDrained = false;
  const draining = (async () => {
    await prewarmer.drain();
    isDrained = true;
  })();
  await third?.succeed();
  expect([first, second, third].map((launch) => launch?.link.asked)).toEqual([[], ["terminate"], ["terminate"]]);
  second?.link.exits();
  await turnEnd();
  expect(isDrained).toBe(false);
  third?.link.exits();
  await draining;
  expect(await launches()).toHaveLength(3);
  expect(vi.getTimerCount()).toBe(0);
});

test("a room gets none of those that are being ended, but a new one", async () => {
  const { prewarmer, launches, take } = await setup(1);
  void prewarmer.drain();
  const taking = take();
  const [first, second] = await launches();
  await second?.succeed();
  expect(await taking).toBe(second?.link);
  expect([first, second].map((launch) => launch?.link.asked)).toEqual([["terminate"], []]);
});

test("a kill ends them at once, also the one that is just starting", async () => {
  const { prewarmer, launches, take } = await setup(2);
  await take();
  const [, second, third] = await launches();
  void prewarmer.drain();
  prewarmer.kill();
  const draining = prewarmer.drain();
  await third?.succeed();
  expect(second?.link.asked).toEqual(["terminate", "kill", "terminate"]);
  expect(third?.link.asked).toEqual(["kill"]);
  second?.link.exits({ signal: "SIGKILL" });
  third?.link.exits({ signal: "SIGKILL" });
  await draining;
});

test("who comes right after a kill gets none of those that it ended", async () => {
  const { prewarmer, launches, take } = await setup(1);
  prewarmer.kill();
  const taking = take();
  const [killed, next] = await launches();
  await next?.succeed();
  expect(await taking).toBe(next?.link);
  expect([killed, next].map((launch) => launch?.link.asked)).toEqual([["kill"], []]);
});

test("nothing is started any more while it drains, whatever fails", async () => {
  const { prewarmer, launches } = await setup(1);
  (await launches())[0]?.link.exits({ code: 1 });
  await prewarmer.drain();
  vi.advanceTimersByTime(60_000);
  expect(await launches()).toHaveLength(1);
});
