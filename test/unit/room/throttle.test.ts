import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type RateLimits, Throttle, type ThrottleEvents } from "../../../src/room/throttle.ts";

/** 10 messages a second, 20 at once. */
const limits: RateLimits = { messageRate: 10, byteRate: undefined, burstMs: 2000, rateGraceMs: 5000 };

/** A throttle, and what it told, each with the time in milliseconds. */
class Setup implements ThrottleEvents {
  readonly told: string[] = [];
  isPaused = false;
  readonly #throttle: Throttle;
  readonly #startedAt = performance.now();

  constructor(changed: Partial<RateLimits> = {}) {
    const throttle = Throttle.create({ ...limits, ...changed }, this);
    if (throttle === undefined) throw new Error("nothing is limited");
    this.#throttle = throttle;
  }

  get nowMs(): number {
    return performance.now() - this.#startedAt;
  }

  send(count: number, bytes = 1): void {
    for (let sent = 0; sent < count; sent += 1) this.#throttle.take(bytes);
  }

  stop(): void {
    this.#throttle.stop();
  }

  onOverdrawn(): void {
    this.isPaused = true;
    this.told.push(`pause at ${Math.round(this.nowMs)}`);
  }

  onPaidOff(): void {
    this.isPaused = false;
    this.told.push(`resume at ${Math.round(this.nowMs)}`);
  }

  onGraceOver(): void {
    this.told.push(`close at ${Math.round(this.nowMs)}`);
  }
}

/** Sends as much as it can whenever it is read. */
function flood(setup: Setup, forMs: number): void {
  for (let ms = 0; ms < forMs; ms += 50) {
    if (!setup.isPaused) setup.send(25);
    vi.advanceTimersByTime(50);
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test("where nothing is limited there is no throttle", () => {
  const none = { ...limits, messageRate: undefined };
  expect(Throttle.create(none, new Setup())).toBe(undefined);
});

test("a burst may come at once, and one message more has to be paid for with time", () => {
  const setup = new Setup();
  setup.send(20);
  expect(setup.told).toEqual([]);
  setup.send(1);
  vi.advanceTimersByTime(1000);
  expect(setup.told).toEqual(["pause at 0", "resume at 100"]);
});

test("what was read already counts, also while the client is paused", () => {
  const setup = new Setup();
  setup.send(25);
  vi.advanceTimersByTime(200);
  setup.send(10);
  vi.advanceTimersByTime(2000);
  expect(setup.told).toEqual(["pause at 0", "resume at 1500"]);
});

test("a client that keeps to its rate is never paused, and can have its burst again after a while", () => {
  const setup = new Setup();
  setup.send(20);
  for (let count = 0; count < 200; count += 1) {
    vi.advanceTimersByTime(100);
    setup.send(1);
  }
  expect(setup.told).toEqual([]);
  vi.advanceTimersByTime(60_000);
  setup.send(20);
  expect(setup.told).toEqual([]);
  setup.send(1);
  expect(setup.told).toHaveLength(1);
});

test("bytes are limited likewise, however large the messages are", () => {
  const setup = new Setup({ messageRate: undefined, byteRate: 1000 });
  setup.send(2, 1000);
  expect(setup.told).toEqual([]);
  setup.send(1, 3000);
  vi.advanceTimersByTime(10_000);
  expect(setup.told).toEqual(["pause at 0", "resume at 3000"]);
});

test("with both limits the one that is exceeded more counts", () => {
  const setup = new Setup({ byteRate: 1000 });
  setup.send(22, 150);
  vi.advanceTimersByTime(10_000);
  expect(setup.told).toEqual(["pause at 0", "resume at 1300"]);
});

test("one message is always allowed at once, however small the rate and the burst", () => {
  const setup = new Setup({ messageRate: 1, burstMs: 100 });
  setup.send(1);
  expect(setup.told).toEqual([]);
  setup.send(1);
  vi.advanceTimersByTime(2000);
  expect(setup.told).toEqual(["pause at 0", "resume at 1000"]);
});

describe("the grace", () => {
  test("of a client that always sends too much is over in time, and then nothing more is told", () => {
    const setup = new Setup();
    flood(setup, 20_000);
    expect(setup.told.at(-1)).toBe("close at 5000");
    expect(setup.told.filter((line) => line.startsWith("close"))).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("of a client that sends in one go more than can be paid off is over in time", () => {
    const setup = new Setup();
    setup.send(1000);
    vi.advanceTimersByTime(100_000);
    expect(setup.told).toEqual(["pause at 0", "close at 5000"]);
  });

  test("is enough for what can just be paid off", () => {
    const setup = new Setup();
    setup.send(20 + 50);
    vi.advanceTimersByTime(100_000);
    expect(setup.told).toEqual(["pause at 0", "resume at 5000"]);
  });

  test("counts anew for a client that has kept to its rate for a second", () => {
    const setup = new Setup();
    for (let round = 0; round < 10; round += 1) {
      setup.send(60);
      vi.advanceTimersByTime(4000);
      expect(setup.isPaused).toBe(false);
      vi.advanceTimersByTime(2000);
    }
    expect(setup.told.filter((line) => line.startsWith("close"))).toEqual([]);
  });

  test("does not count anew for a client that only catches its breath", () => {
    const setup = new Setup();
    setup.send(50);
    vi.advanceTimersByTime(3000 + 900);
    setup.send(30);
    vi.advanceTimersByTime(100_000);
    expect(setup.told).toEqual(["pause at 0", "resume at 3000", "pause at 3900", "close at 5000"]);
  });
});

test("a throttle that was stopped tells nothing more", () => {
  const setup = new Setup();
  setup.send(30);
  setup.stop();
  vi.advanceTimersByTime(100_000);
  expect(setup.told).toEqual(["pause at 0"]);
  expect(vi.getTimerCount()).toBe(0);
});

test("whoever stops at each pause gets through no more than the burst, the rate and one message", () => {
  const action = fc.record({ waitMs: fc.nat({ max: 300 }), count: fc.nat({ max: 60 }) });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const setup = new Setup({ rateGraceMs: 3_600_000 });
      let sent = 0;
      for (const { waitMs, count } of actions) {
        vi.advanceTimersByTime(waitMs);
        for (let tries = 0; tries < count && !setup.isPaused; tries += 1) {
          setup.send(1);
          sent += 1;
        }
      }
      expect(sent).toBeLessThanOrEqual(20 + setup.nowMs / 100 + 1);
      setup.stop();
    }),
  );
});
