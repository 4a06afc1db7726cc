import { styleText } from "node:util";
import type { LogFields, LogLevel } from "../logger.ts";

/** Puts one entry into the log. */
export type WriteEntry = (level: LogLevel, message: string, fields: LogFields | undefined) => void;

type Style = Parameters<typeof styleText>[0];

const colors = { error: "red", warn: "yellow", info: "green", debug: "blue", trace: "gray" } as const;

/** A log entry as one short line: time of day (UTC), level, message, and what it is about. */
export function formatLine(
  level: LogLevel,
  time: Date,
  message: string,
  fields: LogFields | undefined,
  hasColors: boolean,
): string {
  const paint = (style: Style, text: string): string =>
    hasColors ? styleText(style, text, { validateStream: false }) : text;
  const start = `${paint("gray", time.toISOString().slice(11, 23))} ${paint(colors[level], level.padEnd(5))}`;
  const about = fields === undefined ? "" : ` ${paint("gray", describe(fields))}`;
  return `${start} ${printable(message)}${about}`.trimEnd().concat("\n");
}

function describe(fields: LogFields): string {
  let text = "";
  for (const [name, value] of Object.entries(fields)) {
    text += `${text === "" ? "" : " "}${name}=${typeof value === "number" ? value : printable(String(value))}`;
  }
  return text;
}

// Control characters are what it is to find.
// oxlint-disable-next-line no-control-regex
const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** Nothing that a terminal would take for a command, or a reader for another line. */
function printable(text: string): string {
  if (text.search(unprintable) === -1) return text;
  return text.replace(unprintable, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
