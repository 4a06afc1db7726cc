/** One option, as everything that deals with options needs to know it. */
export interface OptionSpec<Value> {
  /** As written on the command line, such as `-b, --binary` or `--addr <ADDR>`. */
  readonly flag: string;
  readonly group: OptionGroup;
  readonly help: string;
  /** What may be written, for people. */
  readonly expected: string;
  /** The value without the option, as it would be written; undefined where there is none. */
  readonly defaultText: string | undefined;
  /** What the flag means when it is given without a value; undefined where it needs one. */
  readonly bareText: string | undefined;
  /** Whether giving the flag again means more of it. */
  readonly isCounted?: boolean;
  /** Undefined where the text is not what is expected. */
  parse(text: string): Value | undefined;
  /** Whether a value that did not come as text is acceptable. */
  check(value: unknown): boolean;
}

export const optionGroups = {
  listening: "Listening",
  messages: "Messages",
  process: "Process",
  limits: "Limits",
  http: "HTTP",
  logging: "Logging",
  compat: "Compatibility",
} as const;
export type OptionGroup = keyof typeof optionGroups;

/** What every option says of itself. */
export interface Common {
  readonly flag: string;
  readonly group: OptionGroup;
  readonly help: string;
}

/** A host and a port to listen on. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const highestPort = 65_535;
const wholeNumber = /^\d{1,15}$/;
const decimalNumber = /^\d{1,9}(\.\d{1,6})?$/;

const booleans = new Map([
  ["true", true],
  ["1", true],
  ["false", false],
  ["0", false],
  ["", false],
]);

export function flag(common: Common): OptionSpec<boolean> {
  return {
    ...common,
    expected: "true or false",
    defaultText: undefined,
    bareText: "true",
    parse: (value) => booleans.get(value.toLowerCase()),
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

/** One of some words; `aliases` are other ways to write them. */
export function choice<const Choice extends string>(
  common: Common & {
    choices: readonly Choice[];
    aliases?: ReadonlyMap<string, Choice>;
    default?: Choice;
    bare?: Choice;
  },
): OptionSpec<Choice> {
  const { choices, aliases, default: defaultText, bare: bareText, ...rest } = common;
  const find = (value: unknown): Choice | undefined => choices.find((known) => known === value);
  return {
    ...rest,
    expected: `one of ${choices.join(", ")}`,
    defaultText,
    bareText,
    parse: (value) => aliases?.get(value) ?? find(value),
    check: (value) => find(value) !== undefined,
  };
}

/** A flag that counts how often it is given; more than `max` times mean no more than that. */
export function count(common: Common & { max: number }): OptionSpec<number> {
  const { max, ...rest } = common;
  return {
    ...rest,
    expected: `a whole number from 0 to ${max}`,
    defaultText: "0",
    bareText: "1",
    isCounted: true,
    parse: (value) => (wholeNumber.test(value) ? Math.min(Number(value), max) : undefined),
    check: (value) => Number.isInteger(value) && isBetween(value, 0, max),
  };
}

/** A time, written in seconds and kept in milliseconds. */
export function seconds(common: Common & { min: number; max: number; default?: number }): OptionSpec<number> {
  const { min, max, default: standard, ...rest } = common;
  const isInRange = (value: unknown): boolean => isBetween(value, min * 1000, max * 1000);
  return {
    ...rest,
    expected: `seconds from ${min} to ${max}`,
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
export function size(common: Common & { min: string; max: string; default: string }): OptionSpec<number> {
  const { min, max, default: defaultText, ...rest } = common;
  const [minBytes = 0, maxBytes = 0] = [parseSize(min), parseSize(max)];
  const isInRange = (value: unknown): boolean => Number.isInteger(value) && isBetween(value, minBytes, maxBytes);
  return {
    ...rest,
    expected: `bytes from ${min} to ${max}, with or without a unit (K, M, G)`,
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

export function address(common: Common & { default: string }): OptionSpec<Address> {
  const { default: defaultText, ...rest } = common;
  return {
    ...rest,
    expected: "HOST:PORT with a port from 0 to 65535, such as 127.0.0.1:9000 or [::1]:9000",
    defaultText,
    bareText: undefined,
    parse: parseAddress,
    check: (value) => isRecord(value) && typeof value["host"] === "string" && isPort(value["port"], 0),
  };
}

function parseAddress(value: string): Address | undefined {
  const [, bracketed, name, digits] = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^[\]:\s]+)):(\d{1,5})$/.exec(value) ?? [];
  const host = bracketed ?? name;
  const port = Number(digits);
  return host === undefined || !isPort(port, 0) ? undefined : { host, port };
}

/** Ports from `start` up to and including `end`. */
export function portRange(common: Common & { default: string }): OptionSpec<{ start: number; end: number }> {
  const { default: defaultText, ...rest } = common;
  return {
    ...rest,
    expected: "START:END with ports from 1 to 65535, the lower one first",
    defaultText,
    bareText: undefined,
    parse(value) {
      const [, first, last] = /^(\d{1,5}):(\d{1,5})$/.exec(value) ?? [];
      const range = { start: Number(first), end: Number(last) };
      return isPortRange(range.start, range.end) ? range : undefined;
    },
    check: (value) => isRecord(value) && isPortRange(value["start"], value["end"]),
  };
}

const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Names of environment variables. */
export function variableNames(common: Common & { default: string }): OptionSpec<readonly string[]> {
  const { default: defaultText, ...rest } = common;
  return {
    ...rest,
    expected: "names of variables with commas between them, or nothing",
    defaultText,
    bareText: undefined,
    parse(value) {
      const names = value === "" ? [] : value.split(",").map((name) => name.trim());
      return areVariableNames(names) ? names : undefined;
    },
    check: (value) => Array.isArray(value) && areVariableNames(value),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isBetween(value: unknown, min: number, max: number): boolean {
  return typeof value === "number" && value >= min && value <= max;
}

function isPort(value: unknown, lowest: number): boolean {
  return Number.isInteger(value) && isBetween(value, lowest, highestPort);
}

function isPortRange(start: unknown, end: unknown): boolean {
  return isPort(start, 1) && isPort(end, 1) && Number(start) <= Number(end);
}

function areVariableNames(names: readonly unknown[]): boolean {
  return names.every((name) => typeof name === "string" && variableName.test(name));
}

function inRange(value: number, isInRange: (value: number) => boolean): number | undefined {
  return isInRange(value) ? value : undefined;
}
