import type { Common, OptionSpec } from "./spec.ts";

const maxDelimiters = 16;
const delimitersExpected =
  `1 to ${maxDelimiters} single-byte characters; \\n, \\r, \\t, \\0, \\xNN up to \\x7F and \\\\ ` +
  "stand for what cannot be written";
const oneByteOnly = new RegExp(`^[\\0-\\x7f]{1,${maxDelimiters}}$`);
const escapes = new Map([
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["0", "\0"],
  ["\\", "\\"],
]);

/** Characters of one byte each, in which escapes stand for what is hard to write. */
export function delimiters(common: Common): OptionSpec<string | undefined> {
  return {
    ...common,
    expected: delimitersExpected,
    defaultText: undefined,
    bareText: undefined,
    parse(value) {
      if (!/^(?:[^\\]|\\(?:[nrt0\\]|x[0-9A-Fa-f]{2}))*$/s.test(value)) return undefined;
      const characters = value.replaceAll(/\\(x..|.)/g, (_escape, name: string) =>
        name.startsWith("x") ? String.fromCharCode(Number.parseInt(name.slice(1), 16)) : (escapes.get(name) ?? ""),
      );
      return oneByteOnly.test(characters) ? characters : undefined;
    },
    check: (value) => typeof value === "string" && oneByteOnly.test(value),
  };
}

/** How many messages are kept, and which. */
export interface Cache {
  readonly kept: "all" | "tagged";
  readonly messages: number;
}

export function cache(common: Common): OptionSpec<Cache | undefined> {
  return {
    ...common,
    expected: "a whole number from 1, or all: or tagged: and such a number",
    expectedValue: '{ kept, messages } with "all" or "tagged", and a whole number from 1',
    defaultText: undefined,
    bareText: undefined,
    parse(value) {
      const [, kept = "all", digits] = /^(?:(all|tagged):)?(\d{1,15})$/.exec(value) ?? [];
      const messages = Number(digits);
      return messages >= 1 ? { kept: kept === "tagged" ? "tagged" : "all", messages } : undefined;
    },
    check(value) {
      const { kept, messages } = Object(value) as Partial<Record<keyof Cache, unknown>>;
      return (kept === "all" || kept === "tagged") && Number.isSafeInteger(messages) && Number(messages) >= 1;
    },
  };
}
