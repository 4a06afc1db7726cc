import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type LogFields, silentLogger } from "../../src/logger.ts";
import { ErrorLog } from "../../src/error-log.ts";
import { FakeLogger } from "../helpers/fakes.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function setup(): { log: ErrorLog; lines: string[] } {
  const logger = new FakeLogger();
  return { log: new ErrorLog(logger, () => ({ room: "a", pid: 7 })), lines: logger.lines };
}

test("each line is one of the log, wherever the chunks are cut", () => {
  const { log, lines } = setup();
  const bytes = Buffer.from("one\r\n\ntwo €\nlast");
  for (const byte of bytes) log.push(Buffer.of(byte));
  expect(lines).toEqual(["info stderr: one", "info stderr: ", "info stderr: two €"]);
  log.end();
  expect(lines.slice(3)).toEqual(["info stderr: last"]);
  log.end();
  expect(lines).toHaveLength(4);
});

test("lines name room and process", () => {
  const seen: (LogFields | undefined)[] = [];
  const log = new ErrorLog({ ...silentLogger, info: (_text, fields) => seen.push(fields) }, () => ({ pid: 7 }));
  log.push(Buffer.from("x\n"));
  expect(seen).toEqual([{ pid: 7 }]);
});

test("what is not UTF-8 is replaced", () => {
  const { log, lines } = setup();
  log.push(Buffer.of(0x61, 0xff, 0xc3, 0x0a));
  expect(lines).toEqual(["info stderr: a\ufffd\ufffd"]);
});

test("of a long line 8 KiB are kept, whole characters only, and the rest is counted", () => {
  const { log, lines } = setup();
  log.push(Buffer.from(`${"x".repeat(8192)}\n`));
  expect(lines.pop()).toBe(`info stderr: ${"x".repeat(8192)}`);
  log.push(Buffer.from("x".repeat(8191)));
  log.push(Buffer.from("€"));
  log.push(Buffer.from("y".repeat(100_000)));
  log.push(Buffer.from("\nnext\n"));
  expect(lines).toEqual([`info stderr: ${"x".repeat(8191)} (and 100002 bytes more)`, "info stderr: next"]);
});

test("no more than 200 lines a second, and one that counts the others", () => {
  const { log, lines } = setup();
  const burst = Buffer.from("x\n".repeat(250));
  log.push(burst);
  expect(lines).toHaveLength(200);
  vi.advanceTimersByTime(1000);
  expect(lines.slice(200)).toEqual(["warn 50 more lines of stderr were left out"]);
  log.push(Buffer.from("again\n"));
  expect(lines.at(-1)).toBe("info stderr: again");
  vi.advanceTimersByTime(5000);
  expect(lines).toHaveLength(202);
  expect(vi.getTimerCount()).toBe(0);
});

test("what was left out is told at the end, too, and no timer is left", () => {
  const { log, lines } = setup();
  log.push(Buffer.from("x\n".repeat(201)));
  log.end();
  expect(lines.at(-1)).toBe("warn 1 more lines of stderr were left out");
  expect(vi.getTimerCount()).toBe(0);
});
