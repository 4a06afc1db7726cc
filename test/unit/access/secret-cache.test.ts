import { afterEach, expect, test, vi } from "vitest";
import { SecretCache } from "../../../src/access/secret-cache.ts";

afterEach(() => {
  vi.useRealTimers();
});

test("what is kept goes when its time is over", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const cache = new SecretCache<number>(10);
  const key = cache.keyOf("secret");
  cache.set(key, 7, 1000);
  vi.advanceTimersByTime(999);
  expect(cache.get(key)).toBe(7);
  vi.advanceTimersByTime(1);
  expect(cache.get(key)).toBe(undefined);
  for (const forMs of [0, -1, Number.NaN]) {
    cache.set(key, 7, forMs);
    expect(cache.get(key)).toBe(undefined);
  }
});

test("no more is kept than the bound, and the oldest goes first", () => {
  const cache = new SecretCache<number>(3);
  for (const number of [1, 2, 3]) cache.set(String(number), number, 1000);
  cache.set("1", 11, 1000);
  cache.set("4", 4, 1000);
  expect(["1", "2", "3", "4"].map((key) => cache.get(key))).toEqual([11, undefined, 3, 4]);
});

test("the key of a secret says nothing of it, and is another one elsewhere", () => {
  const [one, other] = [new SecretCache<number>(1), new SecretCache<number>(1)];
  expect(one.keyOf("secret")).toBe(one.keyOf("secret"));
  expect(one.keyOf("secret")).not.toBe(one.keyOf("secret "));
  expect(one.keyOf("secret")).not.toBe(other.keyOf("secret"));
});
