import { styleText } from "node:util";

interface Entry {
  readonly time: string;
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

const colors = { error: "red", warn: "yellow", info: "green", debug: "blue", trace: "gray" } as const;

/** A log entry that came as JSON as one short line: time, level, message, and what it is about. */
export function formatLine(json: string, hasColors: boolean): string {
  const { time, level, msg, ...fields } = JSON.parse(json) as Entry;
  const color = colors[level as keyof typeof colors];
  const paint = (format: Parameters<typeof styleText>[0], text: string): string =>
    hasColors ? styleText(format, text, { validateStream: false }) : text;
  const about = Object.entries(fields).map(([name, value]) => `${name}=${printable(String(value))}`);
  const words = [
    paint("gray", time.slice(11, 23)),
    paint(color, level.padEnd(5)),
    printable(msg),
    paint("gray", about.join(" ")),
  ];
  return `${words.join(" ").trimEnd()}\n`;
}

/** Nothing that a terminal would take for a command, or a reader for another line. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
