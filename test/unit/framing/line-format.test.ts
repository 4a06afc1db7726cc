import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createJsonFraming } from "../../../src/framing/json.ts";
import { createLinesFraming } from "../../../src/framing/lines.ts";
import {
  binary,
  bytesOf,
  cutAt,
  cutPlaces,
  decode,
  encode,
  encodeNotice,
  framingOptions,
  text,
  thrown,
} from "../../helpers/framing.ts";

const several = createLinesFraming(framingOptions({ delimiters: ";\n\0" }));
const single = createLinesFraming(framingOptions({ delimiters: "\x1e" }));
const nul = createLinesFraming(framingOptions({ nullDelimited: true }));

test("any of the delimiters ends a message, and nothing else is taken off it", () => {
  expect(decode(several, ["one;two\nthree\0;\r\nlast"])).toEqual(
    ["one", "two", "three", "", "\r", "last"].map((each) => text(each)),
  );
  expect(decode(single, ["a\nb\r\x1ec\x1e"])).toEqual([text("a\nb\r"), text("c")]);
  expect(decode(nul, ["a\nb\0\0"])).toEqual([text("a\nb"), text("")]);
});

test("a newline that was asked for ends a message without the return before it", () => {
  const newline = createLinesFraming(framingOptions({ delimiters: "\n" }));
  expect(decode(newline, ["a\r\nb\n"])).toEqual([text("a\r"), text("b")]);
});

test("what clients say ends with the first of them", () => {
  expect(encode(several, 1, "hello").toString()).toBe("hello;");
  expect(encodeNotice(several, 1, "joined").toString()).toBe("joined;");
  expect(encode(nul, 1, "").toString()).toBe("\0");
});

test("a message between delimiters that is no UTF-8 goes out as a binary one", () => {
  const output = bytesOf("é;", 0xff, ";é\n");
  expect(decode(several, [output])).toEqual([text("é"), binary(Buffer.of(0xff)), text("é")]);
});

test("the limit for lines is that for messages between delimiters", () => {
  const tight = createLinesFraming(framingOptions({ delimiters: ";,", maxLineBytes: 3 }));
  expect(decode(tight, ["abc;abc,abcd"])).toEqual([text("abc"), text("abc"), thrown("ERR_OUTPUT")]);
});

test("the chunk that is decoded stays as it is", () => {
  const chunk = Buffer.from("a;b\0c\n");
  decode(several, [chunk]);
  expect(chunk.toString()).toBe("a;b\0c\n");
});

test("messages come out the same, however the output is cut", () => {
  const piece = fc.constantFrom("a", "é", "\r", ";", "\n", "\0", "long text");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), cutPlaces, (pieces, places) => {
      const output = Buffer.from(pieces.join(""));
      const expected = output.toString().split(/[;\n\0]/);
      if (expected.at(-1) === "") expected.pop();
      expect(decode(several, cutAt(output, places))).toEqual(expected.map((each) => text(each)));
    }),
  );
});

describe("JSON between delimiters", () => {
  const json = createJsonFraming(framingOptions({ delimiters: "\x1e\t" }));

  test("is routed as on lines", () => {
    expect(decode(json, [`{"id":1}\x1e{"a":\n1}\t{"_to":[2]}`])).toEqual([
      text(`{"id":1}`, 1),
      text(`{"a":\n1}`),
      { only: [2], text: `{"_to":[2]}` },
    ]);
  });

  test("has no delimiter within a client's message", () => {
    expect(encode(json, 7, `{\t"a":\n\t1\r}`).toString()).toBe(`{"id":7, "a":  1 }\x1e`);
    const nullJson = createJsonFraming(framingOptions({ nullDelimited: true }));
    expect(encode(nullJson, 7, `{\t"a":\n1}`).toString()).toBe(`{"id":7,\t"a": 1}\0`);
  });
});
