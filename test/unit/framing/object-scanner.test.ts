import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ObjectScanner } from "../../../src/framing/object-scanner.ts";
import {
  idSpellings,
  isJsonObject,
  jsonTexts,
  mutated,
  type ObjectText,
  objectTexts,
  otherKeys,
} from "../../helpers/json-texts.ts";

const scanner = new ObjectScanner(["id"]);

function accepts(source: string | Buffer): boolean {
  const bytes = Buffer.from(source);
  return scanner.scan(bytes, 0, bytes.length);
}

/** Fails with the text itself where the scanner and `JSON.parse` do not agree. */
function agreesOn(source: string): void {
  if (accepts(source) !== isJsonObject(source)) {
    expect({ source, isAccepted: accepts(source) }).toEqual({ source, isAccepted: isJsonObject(source) });
  }
}

function commaIn(source: string): number {
  expect(accepts(source)).toBe(true);
  return scanner.lastOtherComma;
}

/** What `found` says, as parts of the text. */
function foundIn(source: string): { key: string; value: string; next: string }[] {
  const bytes = Buffer.from(source);
  expect(scanner.scan(bytes, 0, bytes.length)).toBe(true);
  return scanner.found.map(({ keyStart, valueStart, valueEnd, nextStart }) => ({
    key: bytes.toString("utf8", keyStart, bytes.indexOf(":", keyStart)).trim(),
    value: bytes.toString("utf8", valueStart, valueEnd),
    next: nextStart === -1 ? "" : bytes.toString("utf8", nextStart),
  }));
}

describe("a text is accepted exactly when JSON.parse makes an object of it", () => {
  test("for JSON of any kind", () => {
    fc.assert(fc.property(jsonTexts, agreesOn), { numRuns: 200 });
  });

  test("for objects with space between their tokens", () => {
    const property = fc.property(objectTexts, ({ text }: ObjectText) => {
      expect(accepts(text)).toBe(true);
      agreesOn(text);
    });
    fc.assert(property, { numRuns: 200 });
  });

  test("for objects in which one character was changed, put in or taken out", () => {
    const texts = fc.oneof(
      objectTexts.map(({ text }) => text),
      jsonTexts.map((value) => `{"a":${value}}`),
      jsonTexts,
    );
    fc.assert(fc.property(mutated(texts), agreesOn), { numRuns: 1500 });
  });

  test("for objects of which only the beginning is there", () => {
    const whole = String.raw` {"a":[1,-0.5e+3,"\u00e9\n€"],"id":{"b":null},"c":[true,false,{}],"":[[]]} `;
    for (let length = 0; length <= whole.length; length += 1) agreesOn(whole.slice(0, length));
    const bytes = Buffer.from(whole);
    const accepted = Array.from({ length: bytes.length + 1 }, (_, length) => length).filter((length) =>
      scanner.scan(bytes, 0, length),
    );
    expect(accepted).toEqual([bytes.length - 1, bytes.length]);
  });

  test("for tokens in any order", () => {
    const token = fc.constantFrom("{", "}", "[", "]", ",", ":", `"a"`, `"id"`, "1", "null", " ", "{}", "[]", `"a":1`);
    const tokens = fc.array(token, { maxLength: 7 }).map((each) => each.join(""));
    const texts = fc.tuple(tokens, fc.constantFrom("", "{", `{"a":`, `{"a":[`)).map(([rest, start]) => {
      const ends = { "": "", "{": "}", '{"a":': "}", '{"a":[': "]}" };
      return start + rest + ends[start];
    });
    fc.assert(fc.property(texts, agreesOn), { numRuns: 1500 });
  });

  test("for all numbers of up to four characters", () => {
    const characters = ["-", "+", ".", "0", "1", "e", "E"];
    let texts = [""];
    for (let length = 1; length <= 4; length += 1) {
      texts = texts.flatMap((text) => characters.map((character) => text + character));
      for (const text of texts) agreesOn(`{"a":${text}}`);
    }
  });

  test("for each character in a string, behind a backslash, and outside", () => {
    for (let code = 0; code < 0x120; code += 1) {
      const character = String.fromCharCode(code);
      agreesOn(`{"a":"${character}"}`);
      agreesOn(`{"a":"\\${character}"}`);
      agreesOn(`{"${character}":1}`);
      agreesOn(`{"a":"\\u00${character}0"}`);
      for (const place of [0, 1, 4, 5, 6, 7]) {
        const around = `{"a":1}`;
        agreesOn(around.slice(0, place) + character + around.slice(place));
      }
    }
  });

  test.each([
    "",
    " ",
    "null",
    "1",
    `"{}"`,
    "[]",
    "[{}]",
    "{}{}",
    "{},",
    "{}x",
    "x{}",
    "{",
    "}",
    "{]",
    `{"a":1,}`,
    `{,"a":1}`,
    `{"a":1,,"b":2}`,
    `{"a":[1,]}`,
    `{"a":[,1]}`,
    `{"a":[1}`,
    `{"a":{"b":1]}`,
    `{"a":}`,
    `{"a"}`,
    `{"a"1}`,
    `{"a"::1}`,
    `{a:1}`,
    `{'a':1}`,
    `{1:1}`,
    `{"a":nul}`,
    `{"a":nulll}`,
    `{"a":True}`,
    `{"a":NaN}`,
    `{"a":Infinity}`,
    `{"a":undefined}`,
    `{"a":0x1}`,
    `{"a":01}`,
    `{"a":-}`,
    `{"a":.5}`,
    `{"a":1.}`,
    `{"a":1e}`,
    `{"a":1 2}`,
    `{"a":"\n"}`,
    `{"a":"\t"}`,
    String.raw`{"a":"\x"}`,
    String.raw`{"a":"\u12"}`,
    String.raw`{"a":"\u12g4"}`,
    String.raw`{"a":"\"}`,
    `{"a":1 // comment\n}`,
    `{/**/}`,
    "\ufeff{}",
    "{}\u0000",
    "{\u00a0}",
    "{\u000b}",
  ])("and not for %j", (source) => {
    expect(isJsonObject(source)).toBe(false);
    expect(accepts(source)).toBe(false);
  });

  test.each([
    "{}",
    " \t\r\n{ \t\r\n} \t\r\n",
    `{"":""}`,
    `{"a":1,"a":1}`,
    `{"__proto__":1,"constructor":{}}`,
    `{"a":-0,"b":0e0,"c":1E-5,"d":1.0e+2,"e":12345678901234567890,"f":1e999}`,
    String.raw`{"a":"\"\\\/\b\f\n\r\t\u00Ff\uD83D\ude00"}`,
    String.raw`{"a":"\ud800"}`,
    `{"a":"\u007f\u2028\u2029"}`,
  ])("such as for %j", (source) => {
    expect(isJsonObject(source)).toBe(true);
    expect(accepts(source)).toBe(true);
  });
});

describe("members of the name that is looked for", () => {
  test("are found in every spelling, anywhere, with the exact place of their values", () => {
    fc.assert(
      fc.property(objectTexts, ({ members, text }) => {
        const expected = members.filter(({ key }) => idSpellings.includes(key));
        expect(foundIn(text).map(({ key, value }) => ({ key, value }))).toEqual(expected);
        expect(scanner.otherCount).toBe(members.length - expected.length);
      }),
      { numRuns: 200 },
    );
  });

  test("tell what follows behind their comma, and whether they are the last", () => {
    expect(foundIn(`{"id":1 , "a":2,"id": [3] }`)).toEqual([
      { key: `"id"`, value: "1", next: ` "a":2,"id": [3] }` },
      { key: `"id"`, value: "[3]", next: "" },
    ]);
  });

  test("are found on the top level alone", () => {
    expect(foundIn(`{"a":{"id":1,"b":[{"id":2}]},"c":[{"id":3}]}`)).toEqual([]);
    expect(scanner.otherCount).toBe(2);
  });

  test.each(otherKeys)("have no other name, such as %s", (key) => {
    expect(foundIn(`{${key}:1}`)).toEqual([]);
  });

  test("are no values, and no text within a string", () => {
    expect(foundIn(String.raw`{"a":"id","b":"\"id\":1,","c":["id"]}`)).toEqual([]);
  });

  test("may have another name with characters that JSON escapes", () => {
    const quoted = new ObjectScanner(['a"\\é']);
    const source = Buffer.from(String.raw`{"a\"\\é":1,"\u0061\u0022\u005c\u00E9":2,"a":3}`);
    expect(quoted.scan(source, 0, source.length)).toBe(true);
    expect(quoted.found.map(({ valueStart }) => source.toString("utf8", valueStart, valueStart + 1))).toEqual([
      "1",
      "2",
    ]);
  });
});

test("the comma behind the last of the other members is told", () => {
  expect(commaIn(`{"a":1}`)).toBe(-1);
  expect(commaIn(`{"id":1,"a":1}`)).toBe(-1);
  expect(commaIn(`{"a":1,"id":1}`)).toBe(6);
  expect(commaIn(`{"a":1,"b":2 ,"id":1,"id":1}`)).toBe(13);
});

test("the body starts behind the first brace", () => {
  expect(accepts(` \n{ "a":1}`)).toBe(true);
  expect(scanner.bodyStart).toBe(3);
});

test("a text in the middle of a buffer is judged without its surroundings", () => {
  const surroundings = fc.constantFrom("", "{", "}", `"`, "[", ",", `"id":1`, "1", "\\", "é", "\n");
  const sources = fc.oneof(
    objectTexts.map(({ text }) => text),
    mutated(objectTexts.map(({ text }) => text)),
  );
  fc.assert(
    fc.property(surroundings, sources, surroundings, (before, source, behind) => {
      const bytes = Buffer.from(before + source + behind);
      const start = Buffer.byteLength(before);
      const end = start + Buffer.byteLength(source);
      expect(scanner.scan(bytes, start, end)).toBe(isJsonObject(source));
      for (const member of scanner.found) expect(member.keyStart).toBeGreaterThanOrEqual(start);
    }),
    { numRuns: 200 },
  );
});

test("what one text left behind does not show in the next", () => {
  expect(accepts(`{"a":1,"id":2,"b":3`)).toBe(false);
  expect(foundIn("{}")).toEqual([]);
  expect(scanner).toMatchObject({ otherCount: 0, lastOtherComma: -1, bodyStart: 1 });
  expect(accepts("[")).toBe(false);
  expect(scanner.found).toEqual([]);
});

test("a key that is not UTF-8 is not the name that is looked for", () => {
  const source = Buffer.from(`{"i\u00ff":1}`, "latin1");
  expect(accepts(source)).toBe(true);
  expect(scanner.found).toEqual([]);
});

test("a mebibyte of opening brackets is refused, and accepted once they are all closed", { timeout: 10_000 }, () => {
  const depth = 1 << 20;
  expect(accepts("[".repeat(depth))).toBe(false);
  expect(accepts(`{"a":${"[".repeat(depth)}`)).toBe(false);
  expect(accepts(`{"a":${"[".repeat(depth)}${"]".repeat(depth - 1)}}`)).toBe(false);
  expect(accepts(`{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`)).toBe(true);
  expect(accepts(`{"id":${'{"id":'.repeat(depth)}1${"}".repeat(depth)}}`)).toBe(true);
  expect(scanner.found).toHaveLength(1);
});

test("brackets of two kinds are told apart at every depth", () => {
  for (const depth of [1, 31, 62, 63, 64, 65, 127, 128, 129, 300]) {
    const open = `{"a":[`.repeat(depth);
    expect(accepts(`${open}${"]}".repeat(depth)}`)).toBe(true);
    expect(accepts(`${open}${"]}".repeat(depth - 1)}}]`)).toBe(false);
    expect(accepts(`${open}}]${"]}".repeat(depth - 1)}`)).toBe(false);
  }
});
