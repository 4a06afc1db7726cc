import { expect, test } from "vitest";
import { ServerError } from "../../../src/errors.ts";
import { createGwsocketFraming } from "../../../src/framing/gwsocket.ts";
import { takeBuffer } from "../../../src/framing/spare-buffers.ts";
import {
  binary,
  bytesOf,
  cutAt,
  decode,
  dropped,
  encode,
  encodeNotice,
  framingOptions,
  gwsocketMessage,
  inSingleBytes,
  RecordingSink,
  text,
  thrown,
} from "../../helpers/framing.ts";

const maxMessageBytes = 32;
const framing = createGwsocketFraming(framingOptions({ maxMessageBytes, maxLineBytes: 8 }));
const allBytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

test("a client's text is written behind id, type 1 and length, each in network byte order", () => {
  expect(encode(framing, 0x01020304, "hi!").toString("hex")).toBe("010203040000000100000003686921");
});

test("a client's binary message has type 2 and may hold any byte", () => {
  const input = encode(framing, 7, allBytes, true);
  expect(input.subarray(0, 12).toString("hex")).toBe("000000070000000200000100");
  expect(input.subarray(12)).toEqual(allBytes);
});

test("an empty message is a header alone", () => {
  expect(encode(framing, 1, "").toString("hex")).toBe("000000010000000100000000");
});

test("the largest client id fits", () => {
  expect(encode(framing, 0xffff_ffff, "").toString("hex")).toBe("ffffffff0000000100000000");
});

test("the length counts bytes and not characters", () => {
  expect(encode(framing, 1, "€").readUInt32BE(8)).toBe(3);
});

test("a join or leave message has type 1 and the client's id", () => {
  expect(encodeNotice(framing, 5, "join")).toEqual(gwsocketMessage(5, 1, "join"));
});

test("id 0 goes to everyone and another id to that client alone", () => {
  const output = bytesOf(
    gwsocketMessage(0, 1, "all"),
    gwsocketMessage(1, 1, "one"),
    gwsocketMessage(0xffff_ffff, 1, "last"),
  );
  expect(decode(framing, [output])).toEqual([text("all"), text("one", 1), text("last", 0xffff_ffff)]);
});

test("the type chooses a text or a binary message", () => {
  const output = bytesOf(gwsocketMessage(3, 1, "é"), gwsocketMessage(3, 2, "é"));
  expect(decode(framing, [output])).toEqual([text("é", 3), binary(Buffer.from("é"), 3)]);
});

test("a payload may hold any byte, newlines and what looks like a header too", () => {
  for (let at = 0; at < 256; at += maxMessageBytes) {
    const payload = allBytes.subarray(at, at + maxMessageBytes);
    expect(decode(framing, [gwsocketMessage(1, 2, payload)])).toEqual([binary(payload, 1)]);
  }
  const header = gwsocketMessage(9, 1, "");
  expect(decode(framing, [gwsocketMessage(1, 2, header)])).toEqual([binary(header, 1)]);
});

test("payloads of no bytes are messages, alone or many in a row", () => {
  const output = bytesOf(gwsocketMessage(1, 1, ""), gwsocketMessage(0, 2, ""), gwsocketMessage(2, 1, ""));
  const expected = [text("", 1), binary(Buffer.alloc(0)), text("", 2)];
  expect(decode(framing, [output])).toEqual(expected);
  expect(decode(framing, inSingleBytes(output))).toEqual(expected);
});

test("headers and payloads may arrive in single bytes, in any two pieces, or many in one", () => {
  const output = bytesOf(gwsocketMessage(1, 1, "é"), gwsocketMessage(0, 2, ""), gwsocketMessage(2, 2, "ab"));
  const expected = [text("é", 1), binary(Buffer.alloc(0)), binary(Buffer.from("ab"), 2)];
  expect(decode(framing, [output])).toEqual(expected);
  expect(decode(framing, inSingleBytes(output))).toEqual(expected);
  for (let place = 1; place < output.length; place += 1) {
    expect(decode(framing, cutAt(output, [place]))).toEqual(expected);
  }
});

test("a message comes out with its last byte and not before", () => {
  const sink = new RecordingSink();
  const decoder = framing.createDecoder(sink);
  const output = gwsocketMessage(1, 1, "hello");
  decoder.push(output.subarray(0, -1));
  expect(sink.events).toEqual([]);
  decoder.push(output.subarray(-1));
  expect(sink.events).toEqual([text("hello", 1)]);
});

test("a message without payload comes out with the last byte of its header", () => {
  const sink = new RecordingSink();
  const decoder = framing.createDecoder(sink);
  const output = gwsocketMessage(1, 1, "");
  decoder.push(output.subarray(0, 11));
  decoder.push(output.subarray(11));
  expect(sink.events).toEqual([text("", 1)]);
});

test("the memory in which a message was put together is used again, also where its end never came", () => {
  const used: ArrayBufferLike[] = [];
  const sink = Object.assign(new RecordingSink(), {
    onMessage: (_to: number, bytes: Buffer) => used.push(bytes.buffer),
  });
  const decoder = createGwsocketFraming(framingOptions()).createDecoder(sink);
  const message = gwsocketMessage(1, 2, Buffer.alloc(50_000));
  for (const chunk of cutAt(bytesOf(message, message), [20_000, 60_000, 100_020])) decoder.push(chunk);
  expect(used).toHaveLength(2);
  expect(used[1]).toBe(used[0]);
  decoder.push(message.subarray(0, -1));
  decoder.end();
  expect(takeBuffer(message.length, 2 * message.length).buffer).toBe(used[0]);
});

test.each([0, 3, 4, 0x0100_0000, 0xffff_ffff])("a message of type %i is skipped and the next one arrives", (type) => {
  const output = bytesOf(gwsocketMessage(1, type, "skip me"), gwsocketMessage(1, type, ""), gwsocketMessage(1, 1, "a"));
  const expected = [dropped("unknown_type"), dropped("unknown_type"), text("a", 1)];
  expect(decode(framing, [output])).toEqual(expected);
  expect(decode(framing, inSingleBytes(output))).toEqual(expected);
});

test("a text that is not UTF-8 is skipped, and as a binary message it arrives", () => {
  const payload = bytesOf("a", 0xff);
  const output = bytesOf(gwsocketMessage(1, 1, payload), gwsocketMessage(1, 2, payload), gwsocketMessage(1, 1, "b"));
  const expected = [dropped("invalid_utf8"), binary(payload, 1), text("b", 1)];
  expect(decode(framing, [output])).toEqual(expected);
  expect(decode(framing, inSingleBytes(output))).toEqual(expected);
});

test("a text that ends inside a character is no UTF-8, even if the next message goes on with it", () => {
  const output = bytesOf(gwsocketMessage(0, 1, Buffer.of(0xc3)), gwsocketMessage(0, 1, Buffer.of(0xa9)));
  expect(decode(framing, [output])).toEqual([dropped("invalid_utf8"), dropped("invalid_utf8")]);
});

test("a payload at exactly the limit arrives", () => {
  const payload = "x".repeat(maxMessageBytes);
  expect(decode(framing, [gwsocketMessage(1, 1, payload)])).toEqual([text(payload, 1)]);
  expect(decode(framing, inSingleBytes(gwsocketMessage(1, 1, payload)))).toEqual([text(payload, 1)]);
});

test.each([maxMessageBytes + 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff])(
  "an announced length of %i ends the reading as soon as it is known",
  (length) => {
    const before = gwsocketMessage(0, 1, "before");
    const header = gwsocketMessage(1, 2, "", length);
    expect(decode(framing, [bytesOf(before, header)])).toEqual([text("before"), thrown("ERR_OUTPUT")]);
    expect(decode(framing, inSingleBytes(bytesOf(before, header)))).toEqual([text("before"), thrown("ERR_OUTPUT")]);
    const push = () => framing.createDecoder(new RecordingSink()).push(header);
    expect(push).toThrow(ServerError);
    expect(push).toThrow(`process announced a message of ${length} bytes, more than ${maxMessageBytes}`);
  },
);

test("a length beyond the limit counts before the type does", () => {
  const output = gwsocketMessage(1, 99, "", maxMessageBytes + 1);
  expect(decode(framing, [output])).toEqual([thrown("ERR_OUTPUT")]);
});

test("output that is no framing at all is not read on from", () => {
  expect(decode(framing, ["Traceback (most recent call last):\n"])).toEqual([thrown("ERR_OUTPUT")]);
});

test("a message that the end cuts off is reported, wherever it is cut", () => {
  const before = gwsocketMessage(0, 1, "before");
  const message = gwsocketMessage(1, 1, "cut off");
  for (let length = 1; length < message.length; length += 1) {
    const output = bytesOf(before, message.subarray(0, length));
    expect(decode(framing, [output])).toEqual([text("before"), dropped("incomplete")]);
    expect(decode(framing, inSingleBytes(output))).toEqual([text("before"), dropped("incomplete")]);
  }
});

test("nothing is reported when the output ends behind a message", () => {
  expect(decode(framing, [gwsocketMessage(1, 1, "whole")])).toEqual([text("whole", 1)]);
  expect(decode(framing, inSingleBytes(gwsocketMessage(1, 1, "")))).toEqual([text("", 1)]);
});

function closeMessage(id: number, code: number, reason: Buffer | string = ""): Buffer {
  return gwsocketMessage(id, 8, bytesOf(code >> 8, code & 0xff, reason));
}

test("a message of type 8 closes the client that its id names, or all", () => {
  expect(decode(framing, [closeMessage(7, 4001, "kické")])).toEqual([{ closed: [7], code: 4001, reason: "kické" }]);
  expect(decode(framing, inSingleBytes(closeMessage(0, 1000)))).toEqual([{ closed: "all", code: 1000, reason: "" }]);
});

test("a reason is cut to what a close frame can carry", () => {
  const roomy = createGwsocketFraming(framingOptions());
  expect(decode(roomy, [closeMessage(7, 4001, `x${"é".repeat(100)}`)])).toEqual([
    { closed: [7], code: 4001, reason: `x${"é".repeat(61)}` },
  ]);
});

test("a close with a code that is not the process's to send, or without any, is dropped", () => {
  const codes = [0, 999, 1001, 1006, 1009, 1010, 1014, 2999, 5000, 0xffff];
  const output = bytesOf(...codes.map((code) => closeMessage(7, code)), gwsocketMessage(7, 8, Buffer.of(0x0f)));
  expect(decode(framing, [output])).toEqual([...codes, 0].map(() => dropped("invalid_close")));
  expect(decode(framing, [gwsocketMessage(0, 8, "")])).toEqual([dropped("invalid_close")]);
});

test("a close whose reason is not UTF-8 is dropped", () => {
  expect(decode(framing, [closeMessage(7, 4001, Buffer.of(0xff))])).toEqual([dropped("invalid_utf8")]);
});
