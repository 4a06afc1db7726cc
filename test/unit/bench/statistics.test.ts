import { expect, test } from "vitest";
import { median, percentile } from "../../../bench/report/statistics.ts";

test.each([
  { values: [3], expected: 3 },
  { values: [30, 4, 5], expected: 5 },
  { values: [1, 2, 3, 10], expected: 2.5 },
  { values: [], expected: Number.NaN },
])("the median of $values is $expected", ({ values, expected }) => {
  expect(median(values)).toBe(expected);
});

test("values are ordered as numbers, and stay as they are", () => {
  const values = [10, 9, 100];
  expect(median(values)).toBe(10);
  expect(percentile(values, 100)).toBe(100);
  expect(values).toEqual([10, 9, 100]);
});

const upTo100 = Array.from({ length: 100 }, (_, index) => 100 - index);

test.each([
  { values: upTo100, percent: 50, expected: 50 },
  { values: upTo100, percent: 99, expected: 99 },
  { values: upTo100, percent: 100, expected: 100 },
  { values: upTo100, percent: 0, expected: 1 },
  { values: [7], percent: 99, expected: 7 },
  { values: [1, 2], percent: 50, expected: 1 },
  { values: [1, 2], percent: 51, expected: 2 },
  { values: [], percent: 50, expected: Number.NaN },
])("$percent per cent of $values.length values do not exceed $expected", ({ values, percent, expected }) => {
  expect(percentile(values, percent)).toBe(expected);
});
