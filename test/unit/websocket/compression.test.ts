import { createHash } from "node:crypto";
import { constants, inflateRawSync } from "node:zlib";
import { expect, test } from "vitest";
import { compressingFormat, inflate } from "../../../src/websocket/compression.ts";

const mebibyte = 1024 * 1024;
const { compression } = compressingFormat;

function compress(payload: Buffer, isBinary: boolean): Buffer | undefined {
  return compression?.compress(payload, isBinary);
}

/** What stands in a compressed frame of less than 64 KiB: its first byte, and the message. */
function read(bytes: Buffer | undefined): { first: number; message: string } {
  if (bytes === undefined) throw new Error("not compressed");
  const [first = 0, length = 0] = bytes;
  const payload = bytes.subarray(length === 126 ? 4 : 2);
  expect(payload.length).toBe(length === 126 ? bytes.readUInt16BE(2) : length);
  const options = { finishFlush: constants.Z_SYNC_FLUSH };
  return { first, message: inflateRawSync(Buffer.concat([payload, Buffer.of(0, 0, 255, 255)]), options).toString() };
}

test("a message becomes one frame that says that it is compressed, as text or as binary", () => {
  const content = "hello ".repeat(100);
  expect(read(compress(Buffer.from(content), false))).toEqual({ first: 0xc1, message: content });
  expect(read(compress(Buffer.from(content), true))).toEqual({ first: 0xc2, message: content });
  const varied = Array.from({ length: 3000 }, (_each, index) => index).join("-");
  expect(read(compress(Buffer.from(varied), false)).message).toBe(varied);
});

test("what is short, or too long to hold up everyone else, stays as it is", () => {
  expect(compression).toMatchObject({ minBytes: 256, maxBytes: mebibyte });
});

test("what does not become shorter stays as it is", () => {
  const digests = Array.from({ length: 10 }, (_each, index) => createHash("sha512").update(String(index)).digest());
  expect(compress(Buffer.concat(digests), true)).toBe(undefined);
});

test("what a client has compressed is read up to the largest message, and no further", () => {
  const bytes = compress(Buffer.alloc(mebibyte, "x"), true) as Buffer;
  const payload = bytes.subarray(4);
  expect(inflate(payload, mebibyte).length).toBe(mebibyte);
  expect(() => inflate(payload, mebibyte - 1)).toThrow(expect.objectContaining({ code: "ERR_BUFFER_TOO_LARGE" }));
});
