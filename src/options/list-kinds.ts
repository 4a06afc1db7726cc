import { textLike } from "./kinds.ts";
import type { Common, OptionSpec } from "./spec.ts";

interface ListTraits<Min extends 0 | 1> {
  /** What stands between values that are written in one text: a line break where a comma can be part of a value. */
  readonly separator: "," | "\n";
  /** How many there have to be. With 0, a list without a default is empty where it is not given. */
  readonly min: Min;
  /** What may be written, for people. */
  readonly expected: string;
}

/** Several values of one kind. Each time that the flag is given adds to them, and one text may hold several. */
export function list<Value, Min extends 0 | 1>(
  one: OptionSpec<Value | undefined>,
  { separator, min, expected }: ListTraits<Min>,
): OptionSpec<readonly Value[] | (Min extends 0 ? never : undefined)> {
  const split = (text: string): string[] => splitAt(separator, text);
  return {
    ...one,
    expected,
    expectedValue: `a list of ${one.expectedValue ?? one.expected}`,
    defaultText: one.defaultText ?? (min === 0 ? "" : undefined),
    list: { separator, split, isItem: (text) => one.parse(text) !== undefined },
    parse(text) {
      const values = split(text).map((item) => one.parse(item));
      return values.length >= min && values.every((value) => value !== undefined) ? values : undefined;
    },
    check: (values) => Array.isArray(values) && values.length >= min && values.every((value) => one.check(value)),
  };
}

interface TextListTraits<Min extends 0 | 1> {
  readonly min: Min;
  /** What all of them are, for people, and what holds for each. */
  readonly items: string;
  readonly each?: string;
}

/** Texts of one kind, with commas between them where they are written in one text. */
export function textList<Min extends 0 | 1>(
  common: Common & { readonly default?: string },
  isItem: (value: string) => boolean,
  { min, items, each }: TextListTraits<Min>,
): OptionSpec<readonly string[] | (Min extends 0 ? never : undefined)> {
  const rest = (each === undefined ? "" : `, ${each}`) + (min === 0 ? ", or nothing" : "");
  const expected = `${items} with commas between them${rest}`;
  return list(textLike({ ...common, expected: items + rest }, isItem), { separator: ",", min, expected });
}

/** Nothing is the empty list, and lines may be empty, as the last one of a text often is. */
function splitAt(separator: "," | "\n", text: string): string[] {
  if (text.trim() === "") return [];
  const items = text.split(separator).map((item) => item.trim());
  return separator === "\n" ? items.filter((item) => item !== "") : items;
}
