import type { Common, OptionSpec, WithDefault } from "./spec.ts";

const wholeNumber = /^\d{1,15}$/;
const integerNumber = /^-?\d{1,15}$/;
const decimalNumber = /^\d{1,9}(\.\d{1,6})?$/;

const booleans = new Map([
  ["true", true],
  ["1", true],
  ["false", false],
  ["0", false],
  ["", false],
]);

export const expectedOfFlag = "true or false";

/** Whether the text of a mere flag sets it; undefined where it is neither. */
export function parseFlag(value: string): boolean | undefined {
  return booleans.get(value.toLowerCase());
}

export function flag(common: Common): OptionSpec<boolean> {
  return {
    ...common,
    expected: expectedOfFlag,
    defaultText: undefined,
    bareText: "true",
    parse: parseFlag,
    check: (value) => typeof value === "boolean",
  };
}

export function text(common: Common): OptionSpec<string | undefined> {
  return {
    ...common,
    expected: "text",
    defaultText: undefined,
    bareText: undefined,
    parse: (value) => value,
    check: (value) => typeof value === "string",
  };
}

/** A text of a certain form. */
export function textLike<Default extends string | undefined = undefined>(
  common: Common & { readonly expected: string; readonly default?: Default },
  isLike: (value: string) => boolean,
): WithDefault<string, Default> {
  const { default: defaultText, ...rest } = common;
  return {
    ...rest,
    defaultText,
    bareText: undefined,
    parse: (value) => (isLike(value) ? value : undefined),
    check: (value) => typeof value === "string" && isLike(value),
  };
}

/** One of some words; `synonyms` are other ways to write them. */
export function choice<const Choice extends string, Default extends Choice | undefined = undefined>(
  common: Common & {
    choices: readonly Choice[];
    synonyms?: ReadonlyMap<string, Choice>;
    default?: Default;
    bare?: Choice;
  },
): WithDefault<Choice, Default> {
  const { choices, synonyms, default: defaultText, bare: bareText, ...rest } = common;
  const find = (value: unknown): Choice | undefined => choices.find((known) => known === value);
  return {
    ...rest,
    expected: `one of ${choices.join(", ")}`,
    defaultText,
    bareText,
    parse: (value) => synonyms?.get(value) ?? find(value),
    check: (value) => find(value) !== undefined,
  };
}

/** A flag that counts how often it is given. */
export function count(common: Common & { max: number }): OptionSpec<number> {
  const { max, ...rest } = common;
  const isInRange = (value: unknown): boolean => Number.isInteger(value) && isBetween(value, 0, max);
  return {
    ...rest,
    expected: `a whole number from 0 to ${max}`,
    defaultText: "0",
    bareText: "1",
    isCounted: true,
    parse: (value) => inRange(wholeNumber.test(value) ? Number(value) : Number.NaN, isInRange),
    check: isInRange,
  };
}

export function integer<Default extends number | undefined = undefined>(
  common: Common & { min: number; max: number; default?: Default },
): WithDefault<number, Default> {
  const { min, max, default: standard, ...rest } = common;
  const isInRange = (value: unknown): boolean => Number.isInteger(value) && isBetween(value, min, max);
  return {
    ...rest,
    expected: `a whole number from ${min} to ${max}`,
    defaultText: standard === undefined ? undefined : String(standard),
    bareText: undefined,
    parse: (value) => inRange(integerNumber.test(value) ? Number(value) : Number.NaN, isInRange),
    check: isInRange,
  };
}

/** A time, written in seconds and kept in milliseconds. */
export function seconds<Default extends number | undefined = undefined>(
  common: Common & { min: number; max: number; default?: Default },
): WithDefault<number, Default> {
  const { min, max, default: standard, ...rest } = common;
  const isInRange = (value: unknown): boolean => isBetween(value, min * 1000, max * 1000);
  return {
    ...rest,
    expected: `seconds from ${min} to ${max}`,
    expectedValue: `milliseconds from ${min * 1000} to ${max * 1000}`,
    defaultText: standard === undefined ? undefined : String(standard),
    bareText: undefined,
    parse: (value) => inRange(decimalNumber.test(value) ? Number(value) * 1000 : Number.NaN, isInRange),
    check: isInRange,
  };
}

const sizeUnits = new Map([
  ["", 1],
  ["k", 1024],
  ["m", 1024 ** 2],
  ["g", 1024 ** 3],
]);

/** A number of bytes, written as such or with a unit: 65536, 64K, 64KiB, 1M. */
export function size<Default extends string | undefined = undefined>(
  common: Common & { min: string; max: string; default?: Default },
): WithDefault<number, Default> {
  const { min, max, default: defaultText, ...rest } = common;
  const [minBytes = 0, maxBytes = 0] = [parseSize(min), parseSize(max)];
  const isInRange = (value: unknown): boolean => Number.isInteger(value) && isBetween(value, minBytes, maxBytes);
  return {
    ...rest,
    expected: `bytes from ${min} to ${max}, with or without a unit (K, M, G)`,
    expectedValue: `a whole number of bytes from ${minBytes} to ${maxBytes}`,
    defaultText,
    bareText: undefined,
    parse: (value) => inRange(parseSize(value) ?? Number.NaN, isInRange),
    check: isInRange,
  };
}

function parseSize(value: string): number | undefined {
  const [, number, unit = ""] = /^(\d{1,12})(?:([kmg])(?:i?b)?)?$/i.exec(value) ?? [];
  const factor = sizeUnits.get(unit.toLowerCase());
  return number === undefined || factor === undefined ? undefined : Number(number) * factor;
}

const maxWorkers = 64;

/** A number of worker processes, or "auto" for what suits the machine. */
export function workerCount(common: Common & { default: string }): OptionSpec<number | "auto"> {
  const { default: defaultText, ...rest } = common;
  const isNumber = (value: unknown): value is number => Number.isInteger(value) && isBetween(value, 0, maxWorkers);
  return {
    ...rest,
    expected: `auto or a whole number from 0 to ${maxWorkers}`,
    defaultText,
    bareText: undefined,
    parse(value) {
      if (value === "auto") return value;
      const number = wholeNumber.test(value) ? Number(value) : undefined;
      return isNumber(number) ? number : undefined;
    },
    check: (value) => value === "auto" || isNumber(value),
  };
}

function isBetween(value: unknown, min: number, max: number): boolean {
  return typeof value === "number" && value >= min && value <= max;
}

function inRange(value: number, isInRange: (value: number) => boolean): number | undefined {
  return isInRange(value) ? value : undefined;
}
