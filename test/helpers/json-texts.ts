import * as fc from "fast-check";

/** All spellings of the key `id` that JSON knows. */
export const idSpellings = [String.raw`"id"`, String.raw`"\u0069d"`, String.raw`"i\u0064"`, String.raw`"\u0069\u0064"`];

/** Keys that are not `id`, some of them nearly. */
export const otherKeys = [
  `"a"`,
  `""`,
  `"é😀"`,
  `"ID"`,
  `"ids"`,
  `"id "`,
  `"ıd"`,
  `"__proto__"`,
  `"constructor"`,
  String.raw`"\u0049d"`,
  String.raw`"i\u0044"`,
  String.raw`"\\u0069d"`,
  String.raw`"id\u0000"`,
  String.raw`"\"id\":1"`,
];

/** Values that a rendering by way of `JSON.parse` would change, or that look like keys. */
export const values = [
  "1",
  "0",
  "-1",
  "1.5",
  "1.0",
  "1e0",
  "1.0e+2",
  "99999999999",
  "12345678901234567890",
  "null",
  "true",
  "[]",
  "{}",
  `"1"`,
  `"id"`,
  `{"id":3}`,
  `[{"id":4,"b":[{}]},"]"]`,
  String.raw`"\u0069d,}\"{"`,
  `{"__proto__":{"id":5}}`,
];

/** A key and its value as they are spelled. */
interface Member {
  readonly key: string;
  readonly value: string;
}

export interface ObjectText {
  readonly members: readonly Member[];
  readonly text: string;
}

const member = fc.record({
  key: fc.oneof(fc.constantFrom(...idSpellings), fc.constantFrom(...otherKeys)),
  value: fc.oneof(
    fc.constantFrom(...values),
    fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value)),
  ),
});

const spaces = fc.array(fc.constantFrom("", "", " ", "\n", "\r\n", "\r", "\t", "  "), { minLength: 1, maxLength: 9 });

/** Texts of JSON objects: `id` in any spelling, any number of times, anywhere; and space between all tokens. */
export const objectTexts: fc.Arbitrary<ObjectText> = fc
  .tuple(fc.array(member, { maxLength: 6 }), spaces)
  .map(([members, between]) => ({ members, text: renderObject(members, between) }));

/** Any JSON text, compact or spread out, and what becomes of one when one character is changed. */
export const jsonTexts = fc
  .tuple(fc.jsonValue({ stringUnit: "grapheme" }), fc.constantFrom("", " ", "\t"))
  .map(([value, indent]) => JSON.stringify(value, undefined, indent));

/** Characters that mean something in JSON, nearly do so, or look as if they did. */
const characters = fc.constantFrom(
  ...Array.from({ length: 0x80 }, (_, code) => String.fromCharCode(code)),
  "\u00a0",
  "\u2028",
  "\ufeff",
  "é",
  "😀",
);

export function mutated(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(texts, fc.nat(), fc.nat({ max: 1 }), fc.option(characters)).map(([whole, seed, taken, put]) => {
    const at = seed % (whole.length + 1);
    return whole.slice(0, at) + (put ?? "") + whole.slice(at + taken);
  });
}

/** Whether `JSON.parse` makes an object of it, and no array and no null. */
export function isJsonObject(source: string): boolean {
  try {
    const value: unknown = JSON.parse(source);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

/** The same text without the space between its tokens (and that within its strings). */
export function withoutSpace(source: string): string {
  return source.replaceAll(/[ \t\r\n]/g, "");
}

function renderObject(members: readonly Member[], between: readonly string[]): string {
  const tokens = ["{"];
  for (const { key, value } of members) tokens.push(...(tokens.length > 1 ? [","] : []), key, ":", value);
  tokens.push("}");
  return tokens.map((token, index) => between[index % between.length] + token).join("") + between[0];
}
