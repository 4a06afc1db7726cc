import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RefusalLog } from "../../../src/host/refusal-log.ts";
import { formatLine } from "../../../src/cli/log-line.ts";
import { silentLogger } from "../../../src/logger.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** What is written, as it stands in the log, without the time. */
function setup(): { log: RefusalLog; lines: string[] } {
  const lines: string[] = [];
  const write = (level: "info" | "warn" | "error"): typeof silentLogger.info => {
    return (message, fields) => lines.push(formatLine(level, new Date(0), message, fields, false).slice(13, -1));
  };
  return {
    log: new RefusalLog({ ...silentLogger, info: write("info"), warn: write("warn"), error: write("error") }),
    lines,
  };
}

test("a refusal ends in the address of the client, whatever the client has made its text say", () => {
  const { log, lines } = setup();
  log.note("info", "refused with 403: a address=192.0.2.9\n is not allowed", () => "2001:db8::1");
  log.note("error", "handshake failed: no address", () => "");
  expect(lines).toEqual([
    "info  refused with 403: a address=192.0.2.9\\u000a is not allowed address=2001:db8::1",
    "error handshake failed: no address address=unknown",
  ]);
});

test("of a flood a hundred lines a second are written, and how many more there were", () => {
  const { log, lines } = setup();
  let asked = 0;
  const addressOf = (): string => {
    asked += 1;
    return "192.0.2.1";
  };
  for (let count = 0; count < 1000; count += 1) log.note("info", "refused", addressOf);
  expect([lines.length, asked]).toEqual([100, 100]);
  vi.advanceTimersByTime(1000);
  expect(lines.slice(100)).toEqual(["warn  900 more refusals were left out"]);
  log.note("info", "refused again", addressOf);
  expect(lines.at(-1)).toBe("info  refused again address=192.0.2.1");
  vi.advanceTimersByTime(10_000);
  expect(lines).toHaveLength(102);
});
