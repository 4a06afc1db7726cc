import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { StallWatch } from "../../src/stall-watch.ts";

const timeoutMs = 1000;

/** A watch over a number, and how often it told of a stall. */
class Setup {
  progress = 5;
  stalls = 0;
  readonly watch = new StallWatch(
    timeoutMs,
    () => this.progress,
    () => {
      this.stalls += 1;
    },
  );
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test("a number that stands still for the whole time is a stall, which is told once", () => {
  const setup = new Setup();
  setup.watch.start();
  vi.advanceTimersByTime(timeoutMs - 1);
  expect(setup.stalls).toBe(0);
  vi.advanceTimersByTime(1);
  expect(setup.stalls).toBe(1);
  vi.advanceTimersByTime(timeoutMs * 10);
  expect(setup.stalls).toBe(1);
  expect(vi.getTimerCount()).toBe(0);
});

test("a number that moves within the time, however little, is no stall", () => {
  const setup = new Setup();
  setup.watch.start();
  for (let round = 0; round < 20; round += 1) {
    vi.advanceTimersByTime(timeoutMs * 0.9);
    setup.progress += 1;
  }
  expect(setup.stalls).toBe(0);
});

test("a number that moved for long and then stands still is a stall", () => {
  const setup = new Setup();
  setup.watch.start();
  for (let round = 0; round < 20; round += 1) {
    vi.advanceTimersByTime(timeoutMs / 2);
    setup.progress += 1;
  }
  vi.advanceTimersByTime(timeoutMs * 0.9);
  expect(setup.stalls).toBe(0);
  vi.advanceTimersByTime(timeoutMs * 0.2);
  expect(setup.stalls).toBe(1);
});

test("a watch that was not started, or was stopped, tells nothing", () => {
  const setup = new Setup();
  vi.advanceTimersByTime(timeoutMs * 2);
  setup.watch.start();
  vi.advanceTimersByTime(timeoutMs / 2);
  setup.watch.stop();
  vi.advanceTimersByTime(timeoutMs * 2);
  expect(setup.stalls).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

test("a watch that is started again counts from the beginning", () => {
  const setup = new Setup();
  setup.watch.start();
  vi.advanceTimersByTime(timeoutMs * 0.9);
  setup.watch.stop();
  setup.watch.start();
  vi.advanceTimersByTime(timeoutMs * 0.9);
  expect(setup.stalls).toBe(0);
  vi.advanceTimersByTime(timeoutMs * 0.1);
  expect(setup.stalls).toBe(1);
});

test("starting a watch that runs changes nothing", () => {
  const setup = new Setup();
  setup.watch.start();
  vi.advanceTimersByTime(timeoutMs / 2);
  setup.watch.start();
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(timeoutMs / 2);
  expect(setup.stalls).toBe(1);
});

test("a watch may be started again after a stall", () => {
  const setup = new Setup();
  setup.watch.start();
  vi.advanceTimersByTime(timeoutMs);
  setup.watch.start();
  vi.advanceTimersByTime(timeoutMs);
  expect(setup.stalls).toBe(2);
});
