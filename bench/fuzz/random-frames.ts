import { deflateRawSync } from "node:zlib";
import type { Random } from "../observed/random.ts";
import { noise } from "./mutations.ts";

interface Choice {
  readonly opcode: number;
  readonly weight: number;
}

/** Weights: what is right has to be frequent, or nothing behind a fault is ever reached. */
const opcodes: readonly [Choice, ...Choice[]] = [
  { opcode: 0x1, weight: 8 },
  { opcode: 0x2, weight: 6 },
  { opcode: 0x0, weight: 4 },
  { opcode: 0x9, weight: 2 },
  { opcode: 0xa, weight: 1 },
  { opcode: 0x8, weight: 1 },
  { opcode: 0x3, weight: 0.2 },
  { opcode: 0xb, weight: 0.2 },
  { opcode: 0xf, weight: 0.2 },
];

const texts = [
  "",
  "hello",
  "€ and 😀",
  "two\nlines\r\n",
  '{"a":1}',
  '{"id":2,"a":[1,{"id":3}]}',
  String.raw`{"\u0069d":2,"a":"\"}{"}`,
  '{"_to":[1,2],"_except":[3],"_close":true,"_meta":true}',
  "{",
  "[".repeat(500),
  `{"a":"${"x".repeat(5000)}"}`,
];

/** Ends with half a character, an overlong one, one beyond the last, half a surrogate. */
const badTexts = ["61c3", "c080", "f4908080", "eda080", "ff", "e282"].map((hex) => Buffer.from(hex, "hex"));
const closeCodes = [0, 999, 1000, 1001, 1004, 1005, 1006, 1007, 1015, 2999, 3000, 4000, 4999, 5000, 65_535];
/** At the edges of the three forms that a length has (RFC 6455 section 5.2), and of what a message may hold. */
const lengths = [0, 1, 124, 125, 126, 127, 65_534, 65_535, 65_536, 65_537];
const lies = [0n, 1n, 125n, 126n, 65_535n, 65_536n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 64n - 1n];
const compressedBit = 0x40;

/** A frame of a client that is right, or wrong in one or several of its parts. */
export function randomFrame(random: Random, isCompressing: boolean): Buffer {
  const { opcode } = random.pickWeighted(opcodes);
  const isCompressed = isCompressing && opcode <= 2 && random.next() < 0.5;
  const plain = opcode === 0x8 ? closePayload(random) : randomPayload(random, opcode > 7);
  const payload = isCompressed ? compressed(random, plain) : plain;
  const isFinal = random.next() < (opcode > 7 ? 0.95 : 0.75);
  const reserved = random.next() < 0.03 ? random.between(0, 7) << 4 : 0;
  const first = (isFinal ? 0x80 : 0) | (isCompressed ? compressedBit : 0) | reserved | opcode;
  const isMasked = random.next() < 0.98;
  const mask = isMasked ? noise(random, 4) : Buffer.alloc(0);
  const body = isMasked ? payload.map((byte, index) => byte ^ (mask[index & 3] as number)) : payload;
  return Buffer.concat([Buffer.of(first), lengthField(random, payload.length, isMasked ? 0x80 : 0), mask, body]);
}

/** Mostly what is true, in the shortest form. */
function lengthField(random: Random, length: number, maskBit: number): Buffer {
  const told = random.next() < 0.04 ? (random.pick(lies) ?? 0n) : BigInt(length);
  const isShort = random.next() < 0.95;
  if (isShort && told < 126n) return Buffer.of(maskBit | Number(told));
  const field = Buffer.alloc(told < 65_536n && isShort ? 3 : 9);
  field[0] = maskBit | (field.length === 3 ? 126 : 127);
  if (field.length === 3) field.writeUInt16BE(Number(told), 1);
  else field.writeBigUInt64BE(told, 1);
  return field;
}

function randomPayload(random: Random, isControl: boolean): Buffer {
  const chance = random.next();
  if (isControl) return noise(random, random.between(0, chance < 0.05 ? 130 : 125));
  if (chance < 0.6) return Buffer.from(random.pick(texts) ?? "");
  if (chance < 0.7) return random.pick(badTexts) ?? Buffer.alloc(0);
  if (chance < 0.85) return noise(random, random.between(0, 200));
  return Buffer.alloc(random.pick(lengths) ?? 0, "x");
}

function closePayload(random: Random): Buffer {
  const code = Buffer.alloc(2);
  code.writeUInt16BE(random.pick(closeCodes) ?? 1000);
  const chance = random.next();
  if (chance < 0.1) return noise(random, random.between(0, 1));
  return Buffer.concat([code, chance < 0.8 ? Buffer.from("bye") : (random.pick(badTexts) ?? code)]);
}

/** As permessage-deflate has it (RFC 7692 section 7.2.1), or broken, or far larger than it looks. */
function compressed(random: Random, payload: Buffer): Buffer {
  const chance = random.next();
  const bytes = chance < 0.1 ? Buffer.alloc(random.pick([65_536, 65_537, 8 * 1024 * 1024]) ?? 0) : payload;
  const stream = deflateRawSync(bytes, { finishFlush: 2 });
  const withoutTail = stream.subarray(0, Math.max(0, stream.length - 4));
  if (chance > 0.2) return withoutTail;
  return chance > 0.15 ? stream : withoutTail.subarray(0, random.between(0, withoutTail.length));
}
