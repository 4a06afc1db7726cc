import { setImmediate as immediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { inAnotherTurn, isTurnSpent } from "../../../src/websocket/turns.ts";
import { until } from "../../helpers/until.ts";

/** Does what costs much until that is enough for one turn. */
function spendTurn(): void {
  while (!isTurnSpent()) Math.sqrt(2);
}

test("a turn is spent after a while, and the next is not", async () => {
  expect(isTurnSpent()).toBe(false);
  spendTurn();
  expect(isTurnSpent()).toBe(true);
  await immediate();
  expect(isTurnSpent()).toBe(false);
  await immediate();
});

test("who waits is called in another turn, in order, and one in each turn where each spends it", async () => {
  const calls: number[] = [];
  let turn = 0;
  const turns: number[] = [];
  for (let index = 0; index < 3; index += 1) {
    inAnotherTurn(() => {
      calls.push(index);
      turns.push(turn);
      spendTurn();
    });
  }
  expect(calls).toEqual([]);
  while (calls.length < 3) {
    await immediate();
    turn += 1;
  }
  expect(calls).toEqual([0, 1, 2]);
  expect(new Set(turns).size).toBe(3);
});

test("who wants to go on is called again behind the others, and never twice in a turn", async () => {
  const calls: string[] = [];
  const again = (): void => {
    calls.push("again");
    queueMicrotask(() => calls.push("microtask"));
    if (calls.length < 5) inAnotherTurn(again);
  };
  inAnotherTurn(again);
  inAnotherTurn(() => calls.push("other"));
  await until(() => calls.filter((call) => call === "microtask").length === 3, "three turns");
  expect(calls).toEqual(["again", "other", "microtask", "again", "microtask", "again", "microtask"]);
});
