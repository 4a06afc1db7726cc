import * as fc from "fast-check";
import { expect, test } from "vitest";
import { frameFormat } from "../../../src/websocket/frame.ts";

function header(length: number, isBinary = false): Buffer {
  const target = Buffer.alloc(frameFormat.maxHeaderBytes);
  return target.subarray(0, frameFormat.writeHeader(target, 0, isBinary, length));
}

/** What RFC 6455 section 5.2 says that a header means. */
function readHeader(bytes: Buffer): { isFinal: boolean; opcode: number; isMasked: boolean; length: number } {
  const [first = 0, second = 0] = bytes;
  const short = second & 0x7f;
  return {
    isFinal: (first & 0x80) !== 0,
    opcode: first & 0x7f,
    isMasked: (second & 0x80) !== 0,
    length: short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2)),
  };
}

// The examples of RFC 6455 section 5.7, and the borders between the three ways to write a length.
test.each([
  [5, false, "8105"],
  [256, true, "827e0100"],
  [65_536, true, "827f0000000000010000"],
  [0, false, "8100"],
  [125, false, "817d"],
  [126, false, "817e007e"],
  [65_535, false, "817effff"],
  [65_536, false, "817f0000000000010000"],
  [2 ** 32 + 1, true, "827f0000000100000001"],
])("the header for %i bytes (binary: %s) is %s", (length, isBinary, expected) => {
  expect(header(length, isBinary).toString("hex")).toBe(expected);
});

test("any header says that one whole message without a mask follows, of its kind and length", () => {
  const lengths = fc.oneof(fc.nat({ max: 200 }), fc.nat({ max: 70_000 }), fc.nat({ max: 2 ** 31 - 1 }));
  fc.assert(
    fc.property(lengths, fc.boolean(), (length, isBinary) => {
      const expected = { isFinal: true, opcode: isBinary ? 2 : 1, isMasked: false, length };
      expect(readHeader(header(length, isBinary))).toEqual(expected);
    }),
  );
});

test("a length is written in as few bytes as it fits in", () => {
  expect([125, 126, 65_535, 65_536].map((length) => header(length).length)).toEqual([2, 4, 4, 10]);
});

test("a header is written where it is wanted, and nothing around it is touched", () => {
  for (const length of [1, 1000, 100_000]) {
    const expected = header(length);
    const target = Buffer.alloc(32, 0xaa);
    const end = frameFormat.writeHeader(target, 7, false, length);
    expect(target.subarray(7, end)).toEqual(expected);
    expect(target.subarray(0, 7).every((byte) => byte === 0xaa)).toBe(true);
    expect(target.subarray(end).every((byte) => byte === 0xaa)).toBe(true);
  }
});
