import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Connection } from "../../../src/room/connection.ts";
import { Counters } from "../../../src/room/counters.ts";
import { Expiry } from "../../../src/room/expiry.ts";
import { FakeClientLink, noRates } from "../../helpers/fakes.ts";

const dayMs = 86_400_000;

/** The one that was made last. */
let started: Expiry | undefined;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  started?.stop();
  vi.useRealTimers();
});

test("a time that has come is told once, and one that has passed soon", () => {
  let told = 0;
  const onExpired = (): void => {
    told += 1;
  };
  started = new Expiry(Date.now() + 90_000, onExpired);
  vi.advanceTimersByTime(89_999);
  expect(told).toBe(0);
  vi.advanceTimersByTime(100_000);
  expect(told).toBe(1);
  started = new Expiry(Date.now() - dayMs, onExpired);
  vi.advanceTimersByTime(1);
  expect(told).toBe(2);
});

test("a time may be further away than timers can count, or never come", () => {
  let told = 0;
  const onExpired = (): void => {
    told += 1;
  };
  started = new Expiry(Date.now() + 60 * dayMs, onExpired);
  const never = [1e300, Infinity].map((atMs) => new Expiry(atMs, onExpired));
  vi.advanceTimersByTime(60 * dayMs - 1);
  expect(told).toBe(0);
  vi.advanceTimersByTime(1);
  expect(told).toBe(1);
  for (const expiry of never) expiry.stop();
  expect(vi.getTimerCount()).toBe(0);
});

test("a clock that is set, as after a sleep, counts within a minute", () => {
  let told = 0;
  const expiry = new Expiry(Date.now() + dayMs, () => {
    told += 1;
  });
  vi.setSystemTime(Date.now() + dayMs);
  vi.advanceTimersByTime(60_000);
  expect(told).toBe(1);
  expiry.stop();
});

test("a connection is closed when what its client has shown expires, and watches no longer once it is gone", () => {
  const left: number[] = [];
  const owner = {
    receive: () => undefined,
    fellBehind: () => undefined,
    caughtUp: () => undefined,
    leave: ({ id }: Connection) => void left.push(id),
  };
  const limits = { ...noRates, slow: "pause", clientBufferBytes: 100, slowTimeoutMs: 1000 } as const;
  const links = [1, 2, 3].map((id) => {
    const link = new FakeClientLink();
    const connection = new Connection(id, owner, limits, new Counters());
    connection.open(link, id === 3 ? null : Date.now() + 1000);
    if (id === 2) connection.onClose();
    return link;
  });
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(1000);
  expect(left).toEqual([2, 1]);
  expect(links.map((link) => link.closedWith?.code)).toEqual([4003, undefined, undefined]);
  expect(vi.getTimerCount()).toBe(0);
});
