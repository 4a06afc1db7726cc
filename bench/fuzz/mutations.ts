import type { Random } from "../observed/random.ts";

/** Bytes that parsers look for, and the edges of ranges. */
const tellingBytes = [0x00, 0x01, 0x09, 0x0a, 0x0d, 0x20, 0x22, 0x25, 0x2c, 0x3a, 0x5c, 0x7e, 0x7f, 0x80, 0xfe, 0xff];
const longestPiece = 64;
const mostRepeats = 64;
const mostMutations = 6;

type Mutation = (random: Random, bytes: Buffer, other: Buffer) => Buffer;

const mutations: readonly Mutation[] = [
  flipBits,
  setBytes,
  insertNoise,
  (random, bytes) => bytes.subarray(0, at(random, bytes)),
  (random, bytes) => bytes.subarray(at(random, bytes)),
  (random, bytes) => cutOut(bytes, pieceOf(random, bytes)),
  (random, bytes) => repeat(bytes, pieceOf(random, bytes), random.between(1, 3)),
  (random, bytes) => repeat(bytes, pieceOf(random, bytes), random.between(4, mostRepeats)),
  (random, bytes, other) => Buffer.concat([bytes.subarray(0, at(random, bytes)), other.subarray(at(random, other))]),
  (random, bytes, other) => {
    const where = at(random, bytes);
    const { start, end } = pieceOf(random, other);
    return Buffer.concat([bytes.subarray(0, where), other.subarray(start, end), bytes.subarray(where)]);
  },
];

/** Changes bytes in some of the ways in which parsers go wrong; pieces of `other` may be among what comes out. */
export function mutate(random: Random, bytes: Buffer, other: Buffer): Buffer {
  let mutated = bytes;
  for (let left = random.between(1, mostMutations); left > 0; left -= 1) {
    mutated = random.pick(mutations)?.(random, mutated, other) ?? mutated;
  }
  return mutated;
}

/** So many bytes of any kind. */
export function noise(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.between(0, 255)));
}

function flipBits(random: Random, bytes: Buffer): Buffer {
  return changed(random, bytes, (byte) => byte ^ (1 << random.between(0, 7)));
}

function setBytes(random: Random, bytes: Buffer): Buffer {
  return changed(random, bytes, () => random.pick(tellingBytes) ?? 0);
}

function changed(random: Random, bytes: Buffer, change: (byte: number) => number): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length === 0) return copy;
  for (let left = random.between(1, 8); left > 0; left -= 1) {
    const where = random.between(0, copy.length - 1);
    copy[where] = change(copy[where] as number);
  }
  return copy;
}

function insertNoise(random: Random, bytes: Buffer): Buffer {
  const where = at(random, bytes);
  return Buffer.concat([bytes.subarray(0, where), noise(random, random.between(1, 16)), bytes.subarray(where)]);
}

interface Piece {
  readonly start: number;
  readonly end: number;
}

function pieceOf(random: Random, bytes: Buffer): Piece {
  const start = at(random, bytes);
  return { start, end: Math.min(bytes.length, start + random.between(1, longestPiece)) };
}

function cutOut(bytes: Buffer, { start, end }: Piece): Buffer {
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
}

function repeat(bytes: Buffer, { start, end }: Piece, times: number): Buffer {
  const piece = bytes.subarray(start, end);
  return Buffer.concat([bytes.subarray(0, end), ...Array<Buffer>(times).fill(piece), bytes.subarray(end)]);
}

/** A place between two bytes. */
function at(random: Random, bytes: Buffer): number {
  return random.between(0, bytes.length);
}
