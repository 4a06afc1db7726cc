import { styleText } from "node:util";
import type { LogFields, LogLevel } from "../logger.ts";

/** Puts one entry into the log. */
export type WriteEntry = (level: LogLevel, message: string, fields: LogFields | undefined) => void;

type Style = Parameters<typeof styleText>[0];

const colors = { error: "red", warn: "yellow", info: "green", debug: "blue", trace: "gray" } as const;

/** Writes log entries as short lines: time of day (UTC), level, message, and what it is about. */
export class LineFormat {
  readonly #hasColors: boolean;
  readonly #tags: Readonly<Record<LogLevel, string>>;
  #second = Number.NaN;
  #secondText = "";

  constructor(hasColors: boolean) {
    this.#hasColors = hasColors;
    const tag = (level: LogLevel): string => this.#paint(colors[level], level.padEnd(5));
    this.#tags = {
      error: tag("error"),
      warn: tag("warn"),
      info: tag("info"),
      debug: tag("debug"),
      trace: tag("trace"),
    };
  }

  /** The line of an entry, with its end; `timeMs` is Unix time. */
  format(level: LogLevel, timeMs: number, message: string, fields: LogFields | undefined): string {
    const subject = fields === undefined ? "" : describe(fields);
    const start = `${this.#paint("gray", this.#timeOfDay(timeMs))} ${this.#tags[level]} ${printable(message)}`;
    const line = subject === "" ? start : `${start} ${this.#paint("gray", subject)}`;
    return `${line.trimEnd()}\n`;
  }

  /** A busy server writes thousands of lines within the same second. */
  #timeOfDay(timeMs: number): string {
    const second = Math.floor(timeMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondText = new Date(second * 1000).toISOString().slice(11, 20);
    }
    return this.#secondText + String(timeMs - second * 1000).padStart(3, "0");
  }

  #paint(style: Style, text: string): string {
    return this.#hasColors ? styleText(style, text, { validateStream: false }) : text;
  }
}

function describe({ room, connection, pid, address }: LogFields): string {
  const all = about("room", room) + about("connection", connection) + about("pid", pid) + about("address", address);
  return all.slice(1);
}

function about(name: string, value: string | number | undefined): string {
  if (value === undefined) return "";
  return ` ${name}=${typeof value === "number" ? value : printable(value)}`;
}

// Control characters are what it is to find.
// oxlint-disable-next-line no-control-regex
const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** Nothing that a terminal would take for a command, or a reader for another line. */
function printable(text: string): string {
  if (text.search(unprintable) === -1) return text;
  return text.replace(unprintable, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
