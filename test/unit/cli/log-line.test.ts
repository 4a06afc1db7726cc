import { expect, test } from "vitest";
import { formatLine } from "../../../src/cli/log-line.ts";
import { type LogFields, type LogLevel, logLevels } from "../../../src/logger.ts";

const time = new Date("2026-01-02T03:04:05.678Z");

interface Entry extends LogFields {
  readonly level: LogLevel;
  readonly msg: string;
}

test("a line has the time of day, the level, the message and the fields", () => {
  const entry = { level: "info", room: "lobby", connection: 7, pid: 42, msg: "client joined" } as const;

  expect(format(entry)).toBe("03:04:05.678 info  client joined room=lobby connection=7 pid=42\n");
});

test("a line without fields ends behind its message", () => {
  expect(format({ level: "error", msg: "failed" })).toBe("03:04:05.678 error failed\n");
});

test("all levels are as wide as the widest", () => {
  const starts = logLevels.map((level) => format({ level, msg: "x" }).slice(13, 20));

  expect(starts).toEqual(["error x", "warn  x", "info  x", "debug x", "trace x"]);
});

test("colours are there only where they are asked for", () => {
  const entry = { level: "warn", room: "lobby", msg: "careful" } as const;
  const colored = format(entry, true);

  expect(format(entry)).not.toContain("\u001b");
  expect(colored).toContain("\u001b[33mwarn \u001b[39m");
  // oxlint-disable-next-line no-control-regex
  expect(colored.replaceAll(/\u001b\[\d+m/g, "")).toBe(format(entry));
});

test("each level has its own colour", () => {
  const colors = logLevels.map((level) => {
    const line = format({ level, msg: "" }, true);
    // oxlint-disable-next-line no-control-regex
    return new RegExp(`\u001b\\[(\\d+)m${level}`).exec(line)?.[1];
  });

  expect(new Set(colors).size).toBe(5);
  expect(colors).not.toContain(undefined);
});

test.each([true, false])(
  "control characters are written as escapes in message and fields (colours: %s)",
  (hasColors) => {
    const controls = [...range(0x00, 0x1f), ...range(0x7f, 0x9f), 0x2028, 0x2029];
    const evil = String.fromCharCode(...controls);
    const line = format({ level: "info", room: evil, msg: `a${evil}b` }, hasColors);
    // oxlint-disable-next-line no-control-regex
    const withoutColors = line.replaceAll(/\u001b\[\d+m/g, "");
    const escapes = controls.map((code) => `\\u${code.toString(16).padStart(4, "0")}`).join("");

    expect(withoutColors).toBe(`03:04:05.678 info  a${escapes}b room=${escapes}\n`);
  },
);

test("other characters are written as they are", () => {
  const text = "é 😀 \\ \" % ' ~ \u00a0";

  expect(format({ level: "info", room: text, msg: text })).toBe(`03:04:05.678 info  ${text} room=${text.trimEnd()}\n`);
});

function format({ level, msg, ...fields }: Entry, hasColors = false): string {
  return formatLine(level, time, msg, fields, hasColors);
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
