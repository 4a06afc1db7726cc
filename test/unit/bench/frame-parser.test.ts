import * as fc from "fast-check";
import { expect, test } from "vitest";
import { FrameParser } from "../../../bench/client/frame-parser.ts";
import { clientFrame, frames } from "../../../bench/client/frame-writer.ts";
import { frameFormat } from "../../../src/websocket/frame.ts";
import { cutAt, inSingleBytes } from "../../helpers/framing.ts";

/** Lengths around those at which the header changes, and small ones. */
const lengths = fc.oneof(fc.nat(40), fc.constantFrom(0, 1, 125, 126, 127, 128, 65_535, 65_536, 70_000));

test("frames come out whole and in order, wherever what is read was cut", () => {
  const cuts = fc.array(fc.nat(200_000), { maxLength: 20 });
  fc.assert(
    fc.property(fc.array(lengths, { maxLength: 6 }), cuts, (sizes, offsets) => {
      const payloads = sizes.map((size, index) => Buffer.alloc(size, String(index)));
      const parsed = parse(cutAt(Buffer.concat(payloads.map(serverFrame)), offsets));
      expect(parsed.map(({ length }) => length)).toEqual(sizes);
      expect(Buffer.concat(parsed).equals(Buffer.concat(payloads))).toBe(true);
    }),
  );
});

test("frames come out whole when every byte is read by itself", () => {
  const payloads = ["", "a", "x".repeat(125), "y".repeat(126), "z".repeat(300)].map((text) => Buffer.from(text));
  const bytes = Buffer.concat(payloads.map(serverFrame));
  expect(parse(inSingleBytes(bytes))).toEqual(payloads);
});

test("bytes before the start and behind the end of what was read are left alone", () => {
  const parsed: string[] = [];
  const parser = new FrameParser((_firstByte, bytes, start, end) => parsed.push(bytes.toString("utf8", start, end)));
  const bytes = Buffer.concat([Buffer.from("head"), serverFrame(Buffer.from("hello")), Buffer.of(frames.text, 99)]);
  parser.push(bytes, 4, bytes.length - 2);
  expect(parsed).toEqual(["hello"]);
});

test("the first byte tells what kind of frame it is", () => {
  const firstBytes: number[] = [];
  const parser = new FrameParser((firstByte) => firstBytes.push(firstByte));
  const bytes = Buffer.of(frames.ping, 0, frames.close, 2, 3, 232);
  parser.push(bytes, 0, bytes.length);
  expect(firstBytes).toEqual([frames.ping, frames.close]);
});

test("a server that masks its frames breaks the protocol", () => {
  const masked = clientFrame(frames.text, "hello");
  expect(() => parse([masked])).toThrow("mask");
});

function serverFrame(payload: Buffer): Buffer {
  const header = Buffer.alloc(frameFormat.maxHeaderBytes);
  return Buffer.concat([header.subarray(0, frameFormat.writeHeader(header, 0, true, payload.length)), payload]);
}

/** What is read comes in one buffer that is used again and again, as in the generator. */
function parse(pieces: readonly Buffer[]): Buffer[] {
  const parsed: Buffer[] = [];
  const parser = new FrameParser((_firstByte, bytes, start, end) => {
    parsed.push(Buffer.from(bytes.subarray(start, end)));
  });
  const readBuffer = Buffer.alloc(Math.max(0, ...pieces.map(({ length }) => length)));
  for (const piece of pieces) {
    piece.copy(readBuffer);
    parser.push(readBuffer, 0, piece.length);
    readBuffer.fill(0xee);
  }
  return parsed;
}
