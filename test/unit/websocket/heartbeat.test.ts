import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Heartbeat } from "../../../src/websocket/heartbeat.ts";
import type { LifeSigns, SocketLink } from "../../../src/websocket/socket-link.ts";

const intervalMs = 1000;
const options = { pingIntervalMs: intervalMs, messageTimeoutMs: 5000 };
/** How late a heartbeat may notice something, since it looks now and then. */
const lookMs = intervalMs / 10;

/** What a heartbeat sees of a link, and does to it. */
class FakeLink {
  readonly lifeSigns: LifeSigns = {
    readBytes: 0,
    arrivedBytes: 0,
    at: performance.now(),
    isPinged: false,
    unfinished: 0,
    unfinishedMs: 0,
  };
  unfinished = 0;
  timeouts = 0;
  readBytes = 0;
  arrivedBytes = 0;
  bytesUnderWay = 0;
  isPaused = false;
  pings = 0;
  isAborted = false;

  ping(): void {
    this.pings += 1;
  }

  abort(): void {
    this.isAborted = true;
  }

  onMessageTimeout(): void {
    this.timeouts += 1;
    this.unfinished = 0;
  }

  /** Sends a byte each time it is looked at, so that it is never silent. */
  trickle(forMs: number): void {
    for (let ms = 0; ms < forMs; ms += lookMs) {
      this.readBytes += 1;
      vi.advanceTimersByTime(lookMs);
    }
  }
}

/** Links that come and go, and their heartbeat. */
class Setup {
  readonly #links = new Set<SocketLink>();
  readonly #heartbeat: Heartbeat;

  constructor(given = options) {
    this.#heartbeat = new Heartbeat(this.#links, given);
  }

  add(): FakeLink {
    const link = new FakeLink();
    this.#links.add(link as unknown as SocketLink);
    this.#heartbeat.start();
    return link;
  }

  remove(link: FakeLink): void {
    this.#links.delete(link as unknown as SocketLink);
  }
}

/** Lets so many intervals pass, and the time that it takes to notice. */
function pass(intervals: number): void {
  vi.advanceTimersByTime(intervals * intervalMs + lookMs);
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test("a client that is silent for an interval is pinged once, and cut after another", () => {
  const link = new Setup().add();
  vi.advanceTimersByTime(intervalMs - 1);
  expect(link.pings).toBe(0);
  vi.advanceTimersByTime(lookMs);
  expect(link).toMatchObject({ pings: 1, isAborted: false });
  vi.advanceTimersByTime(intervalMs - lookMs);
  expect(link).toMatchObject({ pings: 1, isAborted: false });
  vi.advanceTimersByTime(2 * lookMs);
  expect(link).toMatchObject({ pings: 1, isAborted: true });
});

test("a client that answers each ping stays, and is pinged again after each interval of silence", () => {
  const link = new Setup().add();
  for (let round = 1; round <= 5; round += 1) {
    pass(1);
    expect(link.pings).toBe(round);
    link.readBytes += 6;
    vi.advanceTimersByTime(lookMs);
  }
  expect(link.isAborted).toBe(false);
});

test("a client that sends anything now and then is not pinged", () => {
  const link = new Setup().add();
  for (let round = 0; round < 20; round += 1) {
    link.readBytes += 1;
    vi.advanceTimersByTime(intervalMs / 2);
  }
  expect(link).toMatchObject({ pings: 0, isAborted: false });
});

test("a client that takes what waits for it lives, since its answer to a ping may stand behind that", () => {
  const link = new Setup().add();
  link.bytesUnderWay = 1_000_000;
  for (let round = 0; round < 20; round += 1) {
    link.arrivedBytes += 1000;
    vi.advanceTimersByTime(intervalMs / 2);
  }
  expect(link).toMatchObject({ pings: 1, isAborted: false });
  link.bytesUnderWay = 0;
  pass(1);
  expect(link).toMatchObject({ pings: 1, isAborted: true });
});

test("a client for which nothing waits does not live by what was written to it", () => {
  const link = new Setup().add();
  for (let round = 0; round < 10; round += 1) {
    link.arrivedBytes += 1000;
    vi.advanceTimersByTime(intervalMs / 4);
  }
  expect(link).toMatchObject({ pings: 1, isAborted: true });
});

test("a client that takes nothing more of what waits is cut", () => {
  const link = new Setup().add();
  link.bytesUnderWay = 1_000_000;
  link.arrivedBytes = 1000;
  pass(2);
  expect(link).toMatchObject({ pings: 1, isAborted: true });
});

test("a client that is not read now is never cut for its silence, but pinged, to find out whether it is there", () => {
  const link = new Setup().add();
  link.isPaused = true;
  pass(5);
  expect(link.isAborted).toBe(false);
  expect(link.pings).toBeGreaterThanOrEqual(4);
});

test("a client that was not read for long has its full time from then on", () => {
  const link = new Setup().add();
  pass(1);
  link.isPaused = true;
  pass(4);
  link.isPaused = false;
  const before = link.pings;
  vi.advanceTimersByTime(intervalMs);
  expect(link).toMatchObject({ pings: before + 1, isAborted: false });
  pass(1);
  expect(link.isAborted).toBe(true);
});

test("each client is looked at by itself", () => {
  const setup = new Setup();
  const silent = setup.add();
  vi.advanceTimersByTime(intervalMs / 2);
  const late = setup.add();
  pass(0.5);
  expect([silent.pings, late.pings]).toEqual([1, 0]);
  pass(0.5);
  expect([silent.pings, late.pings]).toEqual([1, 1]);
});

test("a client that has gone is not looked at any more, while others are", () => {
  const setup = new Setup();
  const gone = setup.add();
  const there = setup.add();
  setup.remove(gone);
  pass(2);
  expect(gone).toMatchObject({ pings: 0, isAborted: false });
  expect(there.isAborted).toBe(true);
});

test("all clients share one timer, which is there only while there are clients", () => {
  const setup = new Setup();
  expect(vi.getTimerCount()).toBe(0);
  const links = [setup.add(), setup.add(), setup.add()];
  expect(vi.getTimerCount()).toBe(1);
  for (const link of links) setup.remove(link);
  vi.advanceTimersByTime(lookMs);
  expect(vi.getTimerCount()).toBe(0);

  const next = setup.add();
  pass(1);
  expect(next.pings).toBe(1);
});

describe("a message that is not finished", () => {
  test("in its time ends the connection, however many bytes of it come", () => {
    const link = new Setup().add();
    link.unfinished = 1;
    link.trickle(options.messageTimeoutMs);
    expect(link.timeouts).toBe(0);
    link.trickle(2 * lookMs);
    expect(link).toMatchObject({ timeouts: 1, pings: 0, isAborted: false });
  });

  test("is no trouble while it is another one each time", () => {
    const link = new Setup().add();
    for (let round = 1; round <= 10; round += 1) {
      link.unfinished = round;
      link.trickle(options.messageTimeoutMs - lookMs);
    }
    expect(link.timeouts).toBe(0);
  });

  test("has its full time also when it comes right behind others", () => {
    const link = new Setup().add();
    link.unfinished = 1;
    link.trickle(options.messageTimeoutMs - lookMs);
    link.unfinished = 0;
    link.trickle(lookMs);
    link.unfinished = 1;
    link.trickle(options.messageTimeoutMs);
    expect(link.timeouts).toBe(0);
  });

  test("does not use up its time while the client is not read", () => {
    const link = new Setup().add();
    link.unfinished = 1;
    link.trickle(options.messageTimeoutMs - lookMs);
    link.isPaused = true;
    link.trickle(10 * options.messageTimeoutMs);
    expect(link.timeouts).toBe(0);
    link.isPaused = false;
    link.trickle(3 * lookMs);
    expect(link.timeouts).toBe(1);
  });

  test("is noticed in time although pings are rare", () => {
    const link = new Setup({ pingIntervalMs: 86_400_000, messageTimeoutMs: 1000 }).add();
    link.unfinished = 1;
    vi.advanceTimersByTime(1300);
    expect(link.timeouts).toBe(1);
  });
});
