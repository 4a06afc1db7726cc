import type { Figure } from "../loads.ts";

const prefixes = [
  { factor: 1e6, sign: "M" },
  { factor: 1e3, sign: "k" },
  { factor: 1, sign: "" },
] as const;

/** A measured value with its unit and three digits that count, such as `6.21 M/s` or `0.086 ms`. */
export function formatFigure(value: number, unit: Figure["unit"]): string {
  if (unit !== "/s") return `${threeDigits(value)} ${unit}`;
  const { factor, sign } = prefixes.find((prefix) => value >= prefix.factor) ?? { factor: 1, sign: "" };
  return `${threeDigits(value / factor)} ${sign}${unit}`;
}

/** A table as Markdown, with columns that line up in a terminal too. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}

function threeDigits(value: number): string {
  if (!Number.isFinite(value)) return "?";
  const digits = value >= 1 ? Math.max(0, 2 - Math.floor(Math.log10(value))) : 3;
  return value.toFixed(digits);
}
