import { expect, test } from "vitest";
import { createStreamsFraming } from "../../../src/framing/streams.ts";
import {
  decode,
  encode,
  encodeNotice,
  feed,
  framingOptions,
  RecordingSink,
  text,
  thrown,
} from "../../helpers/framing.ts";

const framing = createStreamsFraming(framingOptions({ maxMessageBytes: 4, maxLineBytes: 16 }));

test("each line says of which stream it is, to everyone", () => {
  expect(decode(framing, ["one\r\n\ntwo"])).toEqual([
    text('{"stream":"stdout","data":"one"}'),
    text('{"stream":"stdout","data":""}'),
    text('{"stream":"stdout","data":"two"}'),
  ]);
  const sink = new RecordingSink();
  const decoder = framing.createErrorDecoder?.(sink);
  if (decoder === undefined) throw new Error("no decoder for stderr");
  feed(decoder, ["oops\n"]);
  expect(sink.events).toEqual([text('{"stream":"stderr","data":"oops"}')]);
});

test("delimiters end messages of stdout, and lines of stderr end as ever", () => {
  const sink = new RecordingSink();
  const delimited = createStreamsFraming(framingOptions({ maxLineBytes: 16, delimiters: ";" }));
  feed(delimited.createDecoder(sink), ["a\n;"]);
  const decoder = delimited.createErrorDecoder?.(sink);
  if (decoder !== undefined) feed(decoder, ["oops; sorry\n"]);
  expect(sink.events).toEqual([
    text(String.raw`{"stream":"stdout","data":"a\n"}`),
    text('{"stream":"stderr","data":"oops; sorry"}'),
  ]);
});

test("whatever stands in a line stays inside its string, and what is no UTF-8 is replaced", () => {
  const lines = ['"}{\\', "\u0000\u001b\u2028", "é😀"];
  expect(decode(framing, [`${lines.join("\n")}\n`])).toEqual(
    lines.map((data) => text(JSON.stringify({ stream: "stdout", data }))),
  );
  expect(decode(framing, [Buffer.of(0x61, 0xff, 0xc3, 0x0a)])).toEqual([
    text('{"stream":"stdout","data":"a\ufffd\ufffd"}'),
  ]);
});

test("a line that is too long cannot be read on from", () => {
  expect(decode(framing, ["x".repeat(17)])).toEqual([thrown("ERR_OUTPUT")]);
});

test("what clients say, and notices, are plain lines", () => {
  expect(encode(framing, 1, "hello").toString()).toBe("hello\n");
  expect(encodeNotice(framing, 1, "join").toString()).toBe("join\n");
});
