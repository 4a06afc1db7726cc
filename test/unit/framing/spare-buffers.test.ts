import { expect, test } from "vitest";
import { giveBackBuffer, takeBuffer } from "../../../src/framing/spare-buffers.ts";

const size = 50_000;

test("what was given back, or a part of it, is handed out again whole, to one", () => {
  const buffer = takeBuffer(size, size);
  expect(buffer.length).toBeGreaterThanOrEqual(size);
  giveBackBuffer(buffer.subarray(0, size / 2));
  const again = takeBuffer(size, size);
  expect(again.buffer).toBe(buffer.buffer);
  expect(again.length).toBe(buffer.length);
  expect(takeBuffer(size, size).buffer).not.toBe(buffer.buffer);
});

test("of what is hardly filled no use is made again, so that short messages need not be asked where they are from", () => {
  const buffer = takeBuffer(size, size);
  giveBackBuffer(buffer.subarray(0, 1000));
  expect(takeBuffer(size, size).buffer).not.toBe(buffer.buffer);
});

test("what is too small or too large is left where it is", () => {
  const buffer = takeBuffer(size, size);
  giveBackBuffer(buffer);
  expect(takeBuffer(size + 1, 2 * size).buffer).not.toBe(buffer.buffer);
  expect(takeBuffer(size / 2, size - 1).buffer).not.toBe(buffer.buffer);
  expect(takeBuffer(size / 2, size).buffer).toBe(buffer.buffer);
});

test("what is given back twice is handed out once", () => {
  const buffer = takeBuffer(size, size);
  giveBackBuffer(buffer);
  giveBackBuffer(buffer);
  expect(takeBuffer(size, size).buffer).toBe(buffer.buffer);
  expect(takeBuffer(size, size).buffer).not.toBe(buffer.buffer);
});

test("what came from elsewhere is never handed out, nor are small parts of what Node shares", () => {
  const other = Buffer.alloc(size);
  giveBackBuffer(other);
  expect(takeBuffer(size, size).buffer).not.toBe(other.buffer);
  const small = takeBuffer(100, 100);
  expect(small).toHaveLength(100);
  giveBackBuffer(small);
  const { poolSize } = Buffer;
  Buffer.poolSize = 1024 * 1024;
  try {
    const slices = [takeBuffer(100, 100), takeBuffer(4095, 4095)];
    for (const slice of slices) giveBackBuffer(slice);
    const taken = takeBuffer(4096, 2 * 1024 * 1024);
    for (const slice of slices) expect(taken.buffer).not.toBe(slice.buffer);
  } finally {
    Buffer.poolSize = poolSize;
  }
});

test("no more than 4 MiB are kept, of those that were given back last", () => {
  const mebibyte = 1024 * 1024;
  const buffers = Array.from({ length: 6 }, () => takeBuffer(mebibyte, mebibyte));
  const huge = takeBuffer(5 * mebibyte, 5 * mebibyte);
  for (const buffer of [...buffers, huge]) giveBackBuffer(buffer);
  expect(takeBuffer(5 * mebibyte, 5 * mebibyte).buffer).not.toBe(huge.buffer);
  const again = buffers.map(() => takeBuffer(mebibyte, mebibyte).buffer);
  expect(again.slice(0, 4)).toEqual(
    buffers
      .slice(2)
      .toReversed()
      .map(({ buffer }) => buffer),
  );
  for (const { buffer } of buffers) expect(again.slice(4)).not.toContain(buffer);
});
