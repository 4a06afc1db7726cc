import { array, constantFrom, assert as holds, integer, property, tuple } from "fast-check";
import { expect, test } from "vitest";
import { ConnectionRate } from "../../../src/access/connection-rate.ts";
import { RefusedError } from "../../../src/errors.ts";

/** A rate with a clock that stands still until it is moved. */
class Setup {
  nowMs = 0;
  readonly rate: ConnectionRate;

  constructor(perSecond: number) {
    this.rate = new ConnectionRate(perSecond, () => this.nowMs);
  }

  /** Undefined where the client is let in, else the seconds after which it may come again. */
  tries(network = "a"): number | undefined {
    try {
      this.rate.count(network);
      return undefined;
    } catch (error) {
      if (!(error instanceof RefusedError) || error.status !== 429) throw error;
      return Number(error.headers["Retry-After"]);
    }
  }

  /** How many come in that come at once. */
  letsIn(count: number, network = "a"): number {
    return Array.from({ length: count }, () => this.tries(network)).filter((wait) => wait === undefined).length;
  }
}

test("as many come in at once as five seconds allow, then as many as the time that has passed", () => {
  const setup = new Setup(2);
  expect(setup.letsIn(20)).toBe(10);
  expect(setup.tries()).toBe(1);
  setup.nowMs += 499;
  expect(setup.tries()).toBe(1);
  setup.nowMs += 1;
  expect(setup.letsIn(2)).toBe(1);
  setup.nowMs += 3000;
  expect(setup.letsIn(20)).toBe(6);
  setup.nowMs += 3_600_000;
  expect(setup.letsIn(20)).toBe(10);
});

test("each network has a rate of its own", () => {
  const setup = new Setup(1);
  expect(setup.letsIn(9, "a")).toBe(5);
  expect(setup.letsIn(9, "b")).toBe(5);
});

test("whoever waits for as long as told comes in", () => {
  const setup = new Setup(1);
  setup.letsIn(5);
  setup.nowMs += 250;
  const waitS = setup.tries();
  expect(waitS).toBe(1);
  setup.nowMs += Number(waitS) * 1000;
  expect(setup.tries()).toBeUndefined();
});

test("in any time, no more come in than the rate and its burst, and nobody who comes more slowly is refused", () => {
  const steps = array(tuple(constantFrom("a", "b"), integer({ min: 0, max: 2000 })), { maxLength: 200 });
  holds(
    property(integer({ min: 1, max: 50 }), steps, (perSecond, given) => {
      const setup = new Setup(perSecond);
      const came = new Map<string, number[]>([
        ["a", []],
        ["b", []],
      ]);
      for (const [network, pauseMs] of given) {
        setup.nowMs += pauseMs;
        const before = came.get(network) as number[];
        const isIn = setup.tries(network) === undefined;
        const recent = before.filter((at) => at > setup.nowMs - 1000 / perSecond);
        if (recent.length === 0) expect(isIn).toBe(true);
        if (isIn) before.push(setup.nowMs);
      }
      for (const times of came.values()) {
        for (const [index, from] of times.entries()) {
          for (const [more, until] of times.slice(index).entries()) {
            expect(more + 1).toBeLessThanOrEqual(5 * perSecond + ((until - from) / 1000) * perSecond + 0.01);
          }
        }
      }
    }),
  );
});

test("who has been idle is forgotten", () => {
  const setup = new Setup(10);
  for (let index = 0; index < 1000; index += 1) setup.tries(`a${index}`);
  expect(setup.rate.size).toBe(1000);
  setup.nowMs += 100;
  for (let index = 0; index < 1000; index += 1) setup.tries(`b${index}`);
  expect(setup.rate.size).toBe(1000);
});

test("no more networks are known than there is room for, and those go that came least recently", () => {
  const setup = new Setup(1);
  const crowd = (name: string): void => {
    for (let index = 0; index < 40_000; index += 1) setup.tries(`${name}${index}`);
  };
  expect(setup.letsIn(5, "first")).toBe(5);
  expect(setup.letsIn(4, "busy")).toBe(4);
  crowd("a");
  expect(setup.letsIn(9, "busy")).toBe(1);
  crowd("b");
  expect(setup.rate.size).toBeLessThanOrEqual(65_536);
  expect(setup.tries("busy")).toBe(1);
  expect(setup.tries("first")).toBeUndefined();
});
