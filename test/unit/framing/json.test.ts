import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createJsonFraming } from "../../../src/framing/json.ts";
import {
  binary,
  bytesOf,
  cutAt,
  cutPlaces,
  decode,
  dropped,
  encode,
  encodeNotice,
  framingOptions,
  inSingleBytes,
  refusal,
  text,
  thrown,
} from "../../helpers/framing.ts";
import { idSpellings, objectTexts, otherKeys, withoutSpace } from "../../helpers/json-texts.ts";

const framing = createJsonFraming(framingOptions({ maxMessageBytes: 8, maxLineBytes: 1 << 23 }));

/** The line that the process reads when client 7 sends this. */
function lineFor(message: string): string {
  const input = encode(framing, 7, message).toString();
  expect(input.indexOf("\n")).toBe(input.length - 1);
  return input.slice(0, -1);
}

describe("a client's message", () => {
  test("reaches the process on one line, with the client's id", () => {
    expect(encode(framing, 7, `{"a":1}`).toString()).toBe(`{"id":7,"a":1}\n`);
    expect(encode(framing, 0xffff_ffff, `{"a":1}`).toString()).toBe(`{"id":4294967295,"a":1}\n`);
  });

  test("may be empty but for the id", () => {
    expect(lineFor("{}")).toBe(`{"id":7}`);
    expect(lineFor(" { } ")).toBe(` {"id":7}`);
  });

  test.each(idSpellings)("loses the id that the client wrote as %s, wherever it stands", (id) => {
    expect(lineFor(`{${id}:1}`)).toBe(`{"id":7}`);
    expect(lineFor(`{${id}:1,"a":2}`)).toBe(`{"id":7,"a":2}`);
    expect(lineFor(`{"a":2,${id}:1}`)).toBe(`{"id":7,"a":2}`);
    expect(lineFor(`{"a":2,${id}:1,"b":3}`)).toBe(`{"id":7,"a":2,"b":3}`);
    expect(lineFor(`{"a":2,${id}:{"id":[1]},"b":3}`)).toBe(`{"id":7,"a":2,"b":3}`);
  });

  test("loses every id, however many there are", () => {
    expect(lineFor(`{"id":1,"id":2}`)).toBe(`{"id":7}`);
    expect(lineFor(`{"id":1,"i\\u0064":2,"a":3,"\\u0069d":4,"id":5,"b":6,"id":7,"id":8}`)).toBe(`{"id":7,"a":3,"b":6}`);
    expect(lineFor(`{"a":1,"id":2,"id":3}`)).toBe(`{"id":7,"a":1}`);
    expect(lineFor(`{"id":1,"id":2,"a":3}`)).toBe(`{"id":7,"a":3}`);
  });

  test("keeps the space around what is left", () => {
    expect(lineFor(`{ "id" : 1 , "a" : 2 }`)).toBe(`{"id":7,  "a" : 2 }`);
    expect(lineFor(`{ "a" : 2 , "id" : 1 } `)).toBe(`{"id":7, "a" : 2  } `);
  });

  test("keeps the ids of the objects within it", () => {
    const inner = `"a":{"id":1},"b":[{"id":2,"\\u0069d":3}]`;
    expect(lineFor(`{${inner}}`)).toBe(`{"id":7,${inner}}`);
    expect(lineFor(`{"id":{"id":1},${inner},"id":4}`)).toBe(`{"id":7,${inner}}`);
  });

  test.each(otherKeys)("keeps its key %s", (key) => {
    expect(lineFor(`{${key}:1,"id":2}`)).toBe(`{"id":7,${key}:1}`);
  });

  test.each(["12345678901234567890", "1.0e+2", "1E400", "-0", "0.1000", "1.0", "9007199254740993"])(
    "keeps the number %s as it was written",
    (number) => {
      expect(lineFor(`{"a":${number}}`)).toBe(`{"id":7,"a":${number}}`);
    },
  );

  test("keeps __proto__ and its like", () => {
    const members = `"__proto__":{"id":1,"x":2},"constructor":null,"toString":1`;
    expect(lineFor(`{${members}}`)).toBe(`{"id":7,${members}}`);
  });

  test("keeps its strings as they were written", () => {
    const members = String.raw`"a":"\u0041\/\ud83d\ude00😀\ud800","b":"\n\r","c":"{\"id\":1,"`;
    expect(lineFor(`{${members}}`)).toBe(`{"id":7,${members}}`);
  });

  test("has its line breaks between tokens made spaces", () => {
    expect(lineFor(`\r\n{\n"a"\r:\n1,\r\n\t"b":[\n]}\n`)).toBe(`  {"id":7, "a" : 1,  \t"b":[ ]} `);
  });

  test("does not touch the message before it in the same batch", () => {
    const both = bytesOf(encode(framing, 1, `{"a":\n1}`), encode(framing, 2, `{"b":\n2}`));
    expect(both.toString()).toBe(`{"id":1,"a": 1}\n{"id":2,"b": 2}\n`);
  });

  test("keeps all members but its ids, in order, for any object", () => {
    fc.assert(
      fc.property(objectTexts, fc.integer({ min: 1, max: 0xffff_ffff }), ({ members, text: message }, id) => {
        const kept = members.filter(({ key }) => !idSpellings.includes(key));
        const expected = [`"id":${id}`, ...kept.map(({ key, value }) => `${key}:${value}`)].join(",");
        const input = encode(framing, id, message).toString();
        expect(withoutSpace(input)).toBe(withoutSpace(`{${expected}}`));
        expect(input).toMatch(/^[^\r\n]*\n$/);
        expect(() => JSON.parse(input)).not.toThrow();
      }),
      { numRuns: 200 },
    );
  });

  test("is taken as binary too, if it is text", () => {
    expect(encode(framing, 7, `{"a":"é"}`, true).toString()).toBe(`{"id":7,"a":"é"}\n`);
  });

  test("is dropped if it is binary and no UTF-8", () => {
    expect(refusal(framing, bytesOf(`{"a":"`, 0xff, `"}`), true)).toBe("not_json_object");
  });

  test.each([
    "",
    " ",
    "hello",
    "null",
    "true",
    "1",
    `"a"`,
    "[]",
    `[{"a":1}]`,
    "{",
    "{}{}",
    `{"a":1}\n{"a":2}`,
    `{"a":1}x`,
    `{"a":1,}`,
    `{a:1}`,
    `{"a":01}`,
    `{"a":"\n"}`,
    "\ufeff{}",
  ])("is dropped if it is no JSON object: %j", (message) => {
    expect(refusal(framing, message)).toBe("not_json_object");
  });

  test("is dropped if it is cut off at any byte", () => {
    const whole = Buffer.from(`{"a":[1.5e3,"é\\u00e9"],"id":{"b":null},"c":true}`);
    for (let length = 0; length < whole.length; length += 1) {
      expect(refusal(framing, whole.subarray(0, length))).toBe("not_json_object");
    }
    expect(refusal(framing, whole)).toBeUndefined();
  });

  test("may be a mebibyte deep, and is dropped if not all of it is closed", { timeout: 10_000 }, () => {
    const deep = `${"[".repeat(1 << 20)}${"]".repeat(1 << 20)}`;
    const input = encode(framing, 7, `{"a":${deep},"id":1}`).toString();
    expect(input === `{"id":7,"a":${deep}}\n`).toBe(true);
    expect(refusal(framing, "[".repeat(1 << 20))).toBe("not_json_object");
    expect(refusal(framing, `{"a":${"[".repeat(1 << 20)}`)).toBe("not_json_object");
  });
});

test("a join or leave message is written on a line as it is", () => {
  expect(encodeNotice(framing, 7, `{"t":"Join","_from":7}`).toString()).toBe(`{"t":"Join","_from":7}\n`);
  expect(encodeNotice(framing, 7, "no json").toString()).toBe("no json\n");
});

describe("a line of the process", () => {
  test.each([
    ["1", 1],
    ["42", 42],
    ["4294967295", 0xffff_ffff],
    ["99999999999", 99_999_999_999],
    ["1.0", 1],
    ["1e0", 1],
    ["1E+1", 10],
    ["10e-1", 1],
  ])("with the id %s goes to that client alone", (id, to) => {
    expect(decode(framing, [`{"id":${id}}\n`])).toEqual([text(`{"id":${id}}`, to)]);
    expect(decode(framing, [`{"a":1, "id" : ${id} , "b":2}\n`])).toEqual([text(`{"a":1, "id" : ${id} , "b":2}`, to)]);
  });

  test.each([
    "0",
    "-1",
    "-0",
    "0.0",
    "1.5",
    "1e-1",
    "1e999",
    `"1"`,
    `""`,
    `"null"`,
    "true",
    "false",
    "[0]",
    "[1,0]",
    "[1,null]",
    "[1.5]",
    `["1"]`,
    "[[1]]",
    "[{}]",
    "[true]",
    "{}",
    `{"id":1}`,
  ])("with the id %s is dropped, and never sent to all", (id) => {
    const output = `{"id":${id}}\n{"a":1,"i\\u0064":${id} }\nnext\n`;
    expect(decode(framing, [output])).toEqual([dropped("invalid_id"), dropped("invalid_id"), text("next")]);
  });

  test("with the id null, or with none, goes to everyone", () => {
    const lines = [`{"id":null}`, `{"a":1,"id": null }`, "{}", `{"a":"id"}`, `{"a":"\\u0069d"}`];
    expect(decode(framing, [`${lines.join("\n")}\n`])).toEqual(lines.map((line) => text(line)));
  });

  test.each(idSpellings)("is routed by its id in the spelling %s", (id) => {
    expect(decode(framing, [`{"a":{"b":1},${id}:3}\n`])).toEqual([text(`{"a":{"b":1},${id}:3}`, 3)]);
  });

  test.each(otherKeys)("is not routed by its key %s", (key) => {
    expect(decode(framing, [`{${key}:3}\n`])).toEqual([text(`{${key}:3}`)]);
  });

  test("is not routed by the ids of the objects within it", () => {
    const lines = [`{"a":{"id":1}}`, `{"a":[{"id":"x"}]}`, `{"a":{"id":1},"id":2,"b":{"id":3}}`];
    expect(decode(framing, [lines.join("\n")])).toEqual([
      text(lines[0] as string),
      text(lines[1] as string),
      text(lines[2] as string, 2),
    ]);
  });

  test("with several ids is dropped, since none is sure to be meant", () => {
    for (const line of [`{"id":1,"id":2}`, `{"id":1,"\\u0069d":1}`, `{"id":1,"id":null}`, `{"id":2,"id":"x"}`]) {
      expect(decode(framing, [`${line}\n`])).toEqual([dropped("invalid_id")]);
    }
  });

  test.each([
    "",
    " ",
    "hello",
    "1",
    `"id"`,
    `[{"id":1}]`,
    `{"id":1} x`,
    `{"id":1`,
    `{"id":1,}`,
    `{id:1}`,
    `{"id":01}`,
    `x{"id":1}`,
    `{"id":1}{"id":2}`,
    `\ufeff{"id":1}`,
  ])("that is no JSON object goes to everyone: %j", (line) => {
    expect(decode(framing, [`${line}\n`])).toEqual([text(line)]);
  });

  test("that is cut off at any byte is no JSON object", () => {
    const whole = `{"a":[{}],"\\u0069d":3,"b":"x"}`;
    for (let length = 1; length < whole.length; length += 1) {
      expect(decode(framing, [whole.slice(0, length)])).toEqual([text(whole.slice(0, length))]);
    }
    expect(decode(framing, [whole])).toEqual([text(whole, 3)]);
  });

  test("is delivered unchanged, but for the end of the line", () => {
    const line = `\t{ "id" : 1,\r"a":12345678901234567890, "__proto__":1.0e+2, "a":"\\u0041" } `;
    expect(decode(framing, [`${line}\r\n`])).toEqual([text(line, 1)]);
  });

  test("counts without a newline if it is the last one", () => {
    expect(decode(framing, [`{"id":1}\n{"id":2}`])).toEqual([text(`{"id":1}`, 1), text(`{"id":2}`, 2)]);
  });

  test("goes where its own id says, whatever the lines around it hold", () => {
    const pieces = fc.constantFrom(
      { line: `{"id":1}`, event: text(`{"id":1}`, 1) },
      { line: `{"\\u0069d":2}`, event: text(`{"\\u0069d":2}`, 2) },
      { line: `{"id":"3"}`, event: dropped("invalid_id") },
      { line: `{"a":"\\u0041"}`, event: text(`{"a":"\\u0041"}`) },
      { line: `"id"`, event: text(`"id"`) },
      { line: `{}`, event: text("{}") },
      { line: "", event: text("") },
    );
    fc.assert(
      fc.property(fc.array(pieces, { minLength: 1, maxLength: 12 }), cutPlaces, (each, places) => {
        const output = Buffer.from(each.map(({ line }) => `${line}\n`).join(""));
        expect(decode(framing, cutAt(output, places))).toEqual(each.map(({ event }) => event));
      }),
      { numRuns: 200 },
    );
  });

  test("with one id or none is routed as JSON.parse understands it", () => {
    fc.assert(
      fc.property(objectTexts, ({ members, text: source }) => {
        fc.pre(members.filter(({ key }) => idSpellings.includes(key)).length <= 1);
        const line = source.replaceAll(/[\r\n]/g, " ");
        const object = JSON.parse(line) as Record<string, unknown>;
        const id = Object.hasOwn(object, "id") ? object["id"] : null;
        fc.pre(!Array.isArray(id));
        const isClient = Number.isInteger(id) && (id as number) >= 1;
        const expected = isClient || id === null ? text(line, (id as number | null) ?? 0) : dropped("invalid_id");
        expect(decode(framing, [`${line}\n`])).toEqual([expected]);
      }),
      { numRuns: 200 },
    );
  });

  test("is looked at anew though it stands where another one stood before", () => {
    const memory = Buffer.from(`{"a":1,"bb":2}\n`);
    function* chunks(): Generator<Buffer> {
      for (const line of [memory.toString(), `{"a":1,"id":2}\n`, `{"\\u0069d":3}\n`, `{"a":1,"id":0}\n`]) {
        memory.fill(" ");
        memory.write(line, memory.length - line.length);
        yield memory;
      }
    }
    expect(decode(framing, chunks())).toEqual([
      text(`{"a":1,"bb":2}`),
      text(`{"a":1,"id":2}`, 2),
      text(` {"\\u0069d":3}`, 3),
      dropped("invalid_id"),
    ]);
  });

  test("that is not UTF-8 goes out as a binary message, and an id still keeps it from the others", () => {
    const broken = bytesOf("a", 0xff);
    const addressed = bytesOf(`{"id":2,"a":"`, 0xff, `"}`);
    const output = bytesOf(broken, "\n", addressed, "\n", `{"id":2,"a":"é"}`);
    const expected = [binary(broken), binary(addressed, 2), text(`{"id":2,"a":"é"}`, 2)];
    expect(decode(framing, [output])).toEqual(expected);
    expect(decode(framing, inSingleBytes(output))).toEqual(expected);
  });

  test("may be mebibytes deep", { timeout: 10_000 }, () => {
    const deep = "[".repeat(1 << 20);
    const closed = `{"a":${deep}${"]".repeat(1 << 20)},"id":5}`;
    const events = decode(framing, [`${deep}"id"\n`, `{"id":5,"a":${deep}\n`, `${closed}\n`]);
    expect(events.map((event) => ("to" in event ? event.to : undefined))).toEqual([0, 0, 5]);
  });

  test("is bound by the limit for lines", () => {
    const tight = createJsonFraming(framingOptions({ maxMessageBytes: 1000, maxLineBytes: 8 }));
    expect(decode(tight, [`{"id":1}\n`])).toEqual([text(`{"id":1}`, 1)]);
    expect(decode(tight, [`{"id":1}\n`, `{"id":12}`])).toEqual([text(`{"id":1}`, 1), thrown("ERR_OUTPUT")]);
  });
});
