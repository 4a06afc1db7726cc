/*
 * The tokens of JSON (RFC 8259) over bytes. Each function gets the offset at which a token begins and the end of the text,
 * and returns the offset behind the token, or -1 where there is none.
 */

const quote = 0x22;
const backslash = 0x5c;
const minus = 0x2d;
const plus = 0x2b;
const dot = 0x2e;
const digitZero = 0x30;
const digitNine = 0x39;
const lowerE = 0x65;
const firstPrintable = 0x20;
/** Makes a capital letter a small one. */
const lowerCaseBit = 0x20;

const literals = new Map([
  [0x74, Buffer.from("true")],
  [0x66, Buffer.from("false")],
  [0x6e, Buffer.from("null")],
]);

/** Behind any white space; there may be none. */
export function afterSpace(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const byte = bytes[at] as number;
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) break;
    at += 1;
  }
  return at;
}

/** Behind a string, number, true, false or null. */
export function afterScalar(bytes: Buffer, at: number, end: number): number {
  const first = bytes[at] as number;
  if (first === quote) return afterString(bytes, at, end);
  if (first === minus || isDigit(first)) return afterNumber(bytes, at, end);
  return afterLiteral(bytes, at, end);
}

/** Behind the string whose opening quote is at `start`. */
export function afterString(bytes: Buffer, start: number, end: number): number {
  let at = start + 1;
  while (at < end) {
    const byte = bytes[at] as number;
    if (byte === quote) return at + 1;
    if (byte < firstPrintable) return -1;
    if (byte === backslash) {
      const length = escapeLength(bytes, at, end);
      if (length === 0) return -1;
      at += length;
    } else {
      at += 1;
    }
  }
  return -1;
}

function afterNumber(bytes: Buffer, start: number, end: number): number {
  const integer = bytes[start] === minus ? start + 1 : start;
  let at = afterDigits(bytes, integer, end);
  if (at === -1 || (bytes[integer] === digitZero && at > integer + 1)) return -1;
  if (at < end && bytes[at] === dot) at = afterDigits(bytes, at + 1, end);
  if (at !== -1 && at < end && ((bytes[at] as number) | lowerCaseBit) === lowerE) {
    const sign = at + 1 < end ? bytes[at + 1] : 0;
    at = afterDigits(bytes, sign === plus || sign === minus ? at + 2 : at + 1, end);
  }
  return at;
}

/** Behind one digit or more. */
function afterDigits(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && isDigit(bytes[at] as number)) at += 1;
  return at > start ? at : -1;
}

function afterLiteral(bytes: Buffer, start: number, end: number): number {
  const literal = literals.get(bytes[start] as number);
  if (literal === undefined || start + literal.length > end) return -1;
  const isThere = bytes.compare(literal, 0, literal.length, start, start + literal.length) === 0;
  return isThere ? start + literal.length : -1;
}

function isDigit(byte: number): boolean {
  return byte >= digitZero && byte <= digitNine;
}

function isHexDigit(byte: number): boolean {
  const lower = byte | lowerCaseBit;
  return isDigit(byte) || (lower >= 0x61 && lower <= 0x66);
}

/** How many bytes the escape at `at` takes; 0 if it is none of JSON's. */
function escapeLength(bytes: Buffer, at: number, end: number): number {
  if (at + 1 >= end) return 0;
  switch (bytes[at + 1]) {
    case 0x22: // "
    case 0x5c: // \
    case 0x2f: // /
    case 0x62: // b
    case 0x66: // f
    case 0x6e: // n
    case 0x72: // r
    case 0x74: // t
      return 2;
    case 0x75: // u
      if (at + 6 > end) return 0;
      for (let digit = at + 2; digit < at + 6; digit += 1) if (!isHexDigit(bytes[digit] as number)) return 0;
      return 6;
    default:
      return 0;
  }
}
