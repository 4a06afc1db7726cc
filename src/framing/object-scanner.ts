import { afterScalar, afterSpace, afterString } from "./json-tokens.ts";

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;
const colon = 0x3a;

const inObject = 1;
const inArray = 2;

const expectKeyOrEnd = 0;
const expectKey = 1;
const expectValueOrEnd = 2;
const expectValue = 3;
const expectCommaOrEnd = 4;
type Expectation = 0 | 1 | 2 | 3 | 4;

const nothing: Buffer = Buffer.alloc(0);

/** A top-level member with a name that the scanner looks for. Offsets into the text. */
export interface FoundMember {
  /** Which of the scanner's names it has. */
  readonly nameIndex: number;
  readonly keyStart: number;
  readonly valueStart: number;
  readonly valueEnd: number;
  /** Behind the comma that follows the member; -1 if it is the last one. */
  readonly nextStart: number;
}

/**
 * Checks that a text is one JSON object (RFC 8259) and finds its top-level members of some names, in whatever spelling,
 * without making strings or objects of the rest. Reuse one scanner for many texts: results hold until the next scan.
 */
export class ObjectScanner {
  readonly #names: readonly string[];
  readonly #plainKeys: readonly Buffer[];
  /** Of the keys as they are spelled plainly. */
  readonly #shortestKey: number;
  readonly #longestKey: number;
  /** Kinds of the open containers, by depth from 1. */
  #containers = new Uint8Array(64);
  #bytes = nothing;
  #end = 0;
  /** The offset that the scan has come to; -1 once the text was found to be no JSON. */
  #at = 0;
  #depth = 0;
  #expected: Expectation = expectKeyOrEnd;
  /** The top-level member that the scan is in. */
  #keyStart = 0;
  #valueStart = 0;
  #valueEnd = 0;
  /** Which of the names it has; -1 for another one. */
  #nameIndex = -1;

  found: FoundMember[] = [];
  /** Offset behind the opening brace. */
  bodyStart = 0;
  /** How many members have other names, and where the comma behind the last of them stands (-1 if there is none). */
  otherCount = 0;
  lastOtherComma = -1;

  constructor(names: readonly string[]) {
    this.#names = names;
    this.#plainKeys = names.map((name) => Buffer.from(JSON.stringify(name)));
    const lengths = this.#plainKeys.map((key) => key.length);
    this.#shortestKey = Math.min(...lengths);
    this.#longestKey = Math.max(...lengths);
  }

  /** Whether the bytes from `start` to `end` are one JSON object; the other fields tell what was found in it. */
  scan(bytes: Buffer, start: number, end: number): boolean {
    this.#bytes = bytes;
    this.#end = end;
    this.#at = start;
    if (this.found.length > 0) this.found = [];
    this.otherCount = 0;
    this.lastOtherComma = -1;
    this.#skipSpace();
    if (this.#at >= end || bytes[this.#at] !== openBrace) return false;
    this.#at += 1;
    this.bodyStart = this.#at;
    const isObject = this.#scanContainers();
    this.#bytes = nothing;
    return isObject;
  }

  #scanContainers(): boolean {
    this.#containers[1] = inObject;
    this.#depth = 1;
    this.#expected = expectKeyOrEnd;
    while (this.#depth > 0) {
      this.#skipSpace();
      if (this.#at >= this.#end || !this.#step(this.#bytes[this.#at] as number)) return false;
    }
    this.#skipSpace();
    return this.#at === this.#end;
  }

  /** Takes one key with its colon, one value or opening bracket, or one comma or closing bracket. */
  #step(byte: number): boolean {
    switch (this.#expected) {
      case expectKey:
        return this.#takeKey();
      case expectKeyOrEnd:
        return byte === closeBrace ? this.#takeEnd() : this.#takeKey();
      case expectValue:
        return this.#takeValue(byte);
      case expectValueOrEnd:
        return byte === closeBracket ? this.#takeEnd() : this.#takeValue(byte);
      case expectCommaOrEnd:
        return this.#takeCommaOrEnd(byte);
    }
  }

  #takeKey(): boolean {
    const start = this.#at;
    if (this.#bytes[start] !== quote) return false;
    this.#at = afterString(this.#bytes, start, this.#end);
    if (this.#at === -1) return false;
    if (this.#depth === 1) {
      this.#keyStart = start;
      this.#nameIndex = this.#indexOfName(start);
    }
    this.#skipSpace();
    if (this.#at >= this.#end || this.#bytes[this.#at] !== colon) return false;
    this.#at += 1;
    this.#skipSpace();
    if (this.#depth === 1) this.#valueStart = this.#at;
    this.#expected = expectValue;
    return true;
  }

  #takeValue(byte: number): boolean {
    if (byte === openBrace) {
      this.#open(inObject);
      this.#expected = expectKeyOrEnd;
    } else if (byte === openBracket) {
      this.#open(inArray);
      this.#expected = expectValueOrEnd;
    } else {
      this.#at = afterScalar(this.#bytes, this.#at, this.#end);
      this.#valueEnd = this.#at;
      this.#expected = expectCommaOrEnd;
    }
    return this.#at !== -1;
  }

  #takeCommaOrEnd(byte: number): boolean {
    const isInObject = this.#containers[this.#depth] === inObject;
    const isEnd = byte === (isInObject ? closeBrace : closeBracket);
    if (!isEnd && byte !== comma) return false;
    if (this.#depth === 1) this.#noteMember(isEnd);
    if (isEnd) return this.#takeEnd();
    this.#at += 1;
    this.#expected = isInObject ? expectKey : expectValue;
    return true;
  }

  #noteMember(isLast: boolean): void {
    if (this.#nameIndex !== -1) {
      this.found.push({
        nameIndex: this.#nameIndex,
        keyStart: this.#keyStart,
        valueStart: this.#valueStart,
        valueEnd: this.#valueEnd,
        nextStart: isLast ? -1 : this.#at + 1,
      });
      return;
    }
    this.otherCount += 1;
    if (!isLast) this.lastOtherComma = this.#at;
  }

  #takeEnd(): boolean {
    this.#at += 1;
    this.#depth -= 1;
    this.#valueEnd = this.#at;
    this.#expected = expectCommaOrEnd;
    return true;
  }

  #open(kind: number): void {
    this.#depth += 1;
    if (this.#depth === this.#containers.length) {
      const grown = new Uint8Array(this.#containers.length * 2);
      grown.set(this.#containers);
      this.#containers = grown;
    }
    this.#containers[this.#depth] = kind;
    this.#at += 1;
  }

  #skipSpace(): void {
    this.#at = afterSpace(this.#bytes, this.#at, this.#end);
  }

  /** Which name the key has that ends at the current offset. */
  #indexOfName(start: number): number {
    const bytes = this.#bytes;
    const length = this.#at - start;
    if (length < this.#shortestKey) return -1;
    if (length <= this.#longestKey) {
      for (let index = 0; index < this.#plainKeys.length; index += 1) {
        const key = this.#plainKeys[index] as Buffer;
        if (key.length === length && isSame(bytes, start, key)) return index;
      }
    }
    if (!hasBackslash(bytes, start, this.#at)) return -1;
    return this.#names.indexOf(JSON.parse(bytes.toString("utf8", start, this.#at)) as string);
  }
}

// Keys are so short that a loop is done before a call into the runtime has begun.
function isSame(bytes: Buffer, start: number, key: Buffer): boolean {
  for (let at = 0; at < key.length; at += 1) if (bytes[start + at] !== key[at]) return false;
  return true;
}

function hasBackslash(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) if (bytes[at] === backslash) return true;
  return false;
}
