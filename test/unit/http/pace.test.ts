import { setImmediate as immediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { Pace } from "../../../src/http/pace.ts";

test("a few begin at once, the others some turns later, all in order", async () => {
  const pace = new Pace(2);
  const begun: number[] = [];
  for (let index = 0; index < 7; index += 1) pace.begin(() => begun.push(index));
  const counts = [begun.length];
  for (let turn = 0; turn < 4; turn += 1) {
    await immediate();
    counts.push(begun.length);
  }
  expect(counts).toEqual([2, 4, 6, 7, 7]);
  expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6]);
});

test("nobody overtakes those who wait", async () => {
  const pace = new Pace(1);
  const begun: string[] = [];
  pace.begin(() => begun.push("first"));
  const second = pace.turn().then(() => begun.push("second"));
  pace.begin(() => begun.push("third"));
  setImmediate(() => pace.begin(() => begun.push("last")));
  await second;
  await immediate();
  await immediate();
  expect(begun).toEqual(["first", "second", "third", "last"]);
});

test("who comes when all is done begins at once", async () => {
  const pace = new Pace(1);
  pace.begin(() => undefined);
  await immediate();
  let isBegun = false;
  pace.begin(() => {
    isBegun = true;
  });
  expect(isBegun).toBe(true);
});
