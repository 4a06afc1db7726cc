import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { DropLog } from "../../../src/room/drop-log.ts";
import { FakeLogger } from "../../helpers/fakes.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test("of the messages that are dropped in a second one is told of, and how many more there were", () => {
  const logger = new FakeLogger();
  const log = new DropLog(logger);
  for (let count = 0; count < 5; count += 1) log.note("input_closed", {});
  expect(logger.lines).toEqual([expect.stringMatching(/^warn message dropped: /)]);
  vi.advanceTimersByTime(1000);
  expect(logger.lines.slice(1)).toEqual(["warn 4 more messages dropped"]);
  log.note("input_closed", {});
  vi.advanceTimersByTime(10_000);
  expect(logger.lines).toHaveLength(3);
});
