import { expect, test } from "vitest";
import { createRawFraming } from "../../../src/framing/raw.ts";
import { binary, decode, encode, encodeNotice } from "../../helpers/framing.ts";

const framing = createRawFraming();
const allBytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

test("what a client sends is written as it is, with nothing added", () => {
  expect(encode(framing, 1, allBytes, true)).toEqual(allBytes);
  expect(encode(framing, 1, "a\nb").toString()).toBe("a\nb");
  expect(encode(framing, 1, "")).toHaveLength(0);
});

test("a join or leave message is written with nothing added", () => {
  expect(encodeNotice(framing, 7, "hello").toString()).toBe("hello");
});

test("what is read is one binary message to everyone as it comes", () => {
  const chunks = ["one\ntwo", "é", allBytes];
  expect(decode(framing, chunks)).toEqual(chunks.map((chunk) => binary(Buffer.from(chunk))));
});

test("output without line breaks has no limit", () => {
  const chunk = Buffer.alloc(1 << 16, "x");
  expect(
    decode(
      framing,
      Array.from({ length: 100 }, () => chunk),
    ),
  ).toHaveLength(100);
});
