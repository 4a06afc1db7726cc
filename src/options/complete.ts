import { ServerError } from "../errors.ts";
import { expectedOfFlag, parseFlag } from "./kinds.ts";
import { checkTogether } from "./rules.ts";
import type { OptionSpec } from "./spec.ts";
import { type OptionName, optionNames, type Options, optionTable } from "./table.ts";

/** So many characters of a wrong value stand in its error. */
const maxDescribed = 1000;

/** Reads one option's text, which stood at `source`. @throws ServerError ERR_USAGE */
export function parseOption(name: OptionName, value: string, source: string): unknown {
  const spec: OptionSpec<unknown> = optionTable[name];
  const parsed = spec.parse(value);
  if (parsed === undefined) throw unexpected(source, spec.expected, culpritIn(spec, value));
  return parsed;
}

/** Whether a mere flag is set by its text, which stood at `source`. @throws ServerError ERR_USAGE */
export function readFlag(text: string, source: string): boolean {
  const isSet = parseFlag(text);
  if (isSet === undefined) throw unexpected(source, expectedOfFlag, text);
  return isSet;
}

/** What is wrong in a text: where that is a list, the first item of it that is no good, unless there is nothing to see. */
function culpritIn({ list }: OptionSpec<unknown>, value: string): string {
  return list?.split(value).find((item) => !list.isItem(item)) || value;
}

/** Fills in defaults, and checks each value and what goes together. @throws ServerError ERR_USAGE */
export function completeOptions(given: { readonly [Name in OptionName]?: unknown }): Options {
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(optionTable, name));
  if (unknown !== undefined) throw new ServerError("ERR_USAGE", `there is no option called ${JSON.stringify(unknown)}`);
  const options: Record<string, unknown> = {};
  for (const name of optionNames) {
    const spec: OptionSpec<unknown> = optionTable[name];
    const value = given[name] ?? defaultOf(spec);
    if (value !== undefined && !spec.check(value)) throw unexpected(name, spec.expectedValue ?? spec.expected, value);
    options[name] = value;
  }
  const complete = options as Options;
  checkTogether(complete);
  return complete;
}

function defaultOf(spec: OptionSpec<unknown>): unknown {
  if (spec.defaultText !== undefined) return spec.parse(spec.defaultText);
  return spec.bareText === "true" ? false : undefined;
}

/** The error of a value that is not what is expected where it stood. */
export function unexpected(source: string, expected: string, value: unknown): ServerError {
  return new ServerError("ERR_USAGE", `${source}: expected ${expected}, got ${describe(value)}`);
}

/** As it would stand in a file. From JavaScript it may be anything. */
function describe(value: unknown): string {
  const text = typeof value === "number" ? String(value) : (jsonOf(value) ?? nameOfType(value));
  return text.length > maxDescribed ? `${text.slice(0, maxDescribed)}...` : text;
}

/** Undefined where JSON has no words for it, or it contains itself. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

function nameOfType(value: unknown): string {
  if (value === undefined) return "undefined";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
