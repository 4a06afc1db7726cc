import { expect, test } from "vitest";
import { ProcessGroup } from "../../../src/process/process-group.ts";

test("what a leader leaves behind is signalled until it is found to be gone, and its number never again", () => {
  const asked: (NodeJS.Signals | 0)[] = [];
  let isAnybodyThere = true;
  const group = new ProcessGroup((signal) => {
    asked.push(signal);
    return isAnybodyThere;
  });
  group.leaderIsGone();
  expect(group.signal("SIGTERM")).toBe(true);
  isAnybodyThere = false;
  expect(group.signal(0)).toBe(false);
  isAnybodyThere = true;
  expect(group.signal("SIGKILL")).toBe(false);
  expect(asked).toEqual([0, "SIGTERM", 0]);
});

test("a leader that nobody may signal for the time being is signalled again", () => {
  let mayBeSignalled = false;
  const group = new ProcessGroup(() => mayBeSignalled);
  expect(group.signal("SIGTERM")).toBe(false);
  mayBeSignalled = true;
  expect(group.signal("SIGKILL")).toBe(true);
});
