import { expect, test } from "vitest";
import { createLinesFraming } from "../../../src/framing/lines.ts";
import {
  binary,
  bytesOf,
  cutAt,
  decode,
  encode,
  encodeNotice,
  framingOptions,
  text,
  thrown,
} from "../../helpers/framing.ts";

const framing = createLinesFraming(framingOptions({ maxMessageBytes: 4, maxLineBytes: 16 }));

test("a client's message reaches the process with a newline behind it", () => {
  expect(encode(framing, 1, "hello").toString()).toBe("hello\n");
});

test("an empty message is an empty line", () => {
  expect(encode(framing, 1, "").toString()).toBe("\n");
});

test("the id of the sender is not told", () => {
  expect(encode(framing, 99, "hello")).toEqual(encode(framing, 1, "hello"));
});

test("a binary message is written like a text, whatever bytes it has", () => {
  const payload = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  expect(encode(framing, 1, payload, true)).toEqual(bytesOf(payload, "\n"));
});

test("a message with line breaks is written as it is", () => {
  expect(encode(framing, 1, "a\nb\r\nc\n").toString()).toBe("a\nb\r\nc\n\n");
});

test("a join or leave message is one line", () => {
  expect(encodeNotice(framing, 7, `{"t":"Join"}`).toString()).toBe(`{"t":"Join"}\n`);
  expect(encodeNotice(framing, 7, "").toString()).toBe("\n");
});

test("each line of the process is one text message to everyone", () => {
  expect(decode(framing, ["one\ntwo\r\n\nlast"])).toEqual([text("one"), text("two"), text(""), text("last")]);
});

test("a line that looks like an addressed message goes to everyone too", () => {
  expect(decode(framing, [`{"id":1}\n`])).toEqual([text(`{"id":1}`)]);
});

test("a line that is not UTF-8 goes out as a binary message, without its end", () => {
  const output = bytesOf("é\n", 0xff, 0x0d, "\n", "é\n");
  expect(decode(framing, [output])).toEqual([text("é"), binary(Buffer.of(0xff)), text("é")]);
});

test("a character that is cut between two chunks does not make its line binary", () => {
  expect(decode(framing, cutAt(bytesOf("a€\n"), [2, 3]))).toEqual([text("a€")]);
});

test("lines are bound by the limit for lines and not by that for messages", () => {
  const longest = "x".repeat(16);
  expect(decode(framing, [`${longest}\n`])).toEqual([text(longest)]);
  expect(decode(framing, [`a\n${longest}x\n`])).toEqual([text("a"), thrown("ERR_OUTPUT")]);
});
