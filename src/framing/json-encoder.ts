import { isUtf8 } from "node:buffer";
import type { DropReason } from "../drop-reasons.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { Encoder } from "./framing.ts";
import type { LineFormat } from "./line-format.ts";
import { ObjectScanner } from "./object-scanner.ts";
import { appendOtherMembers } from "./other-members.ts";

const tab = 0x09;
const newline = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const comma = 0x2c;

/** Puts the sender's id in front of a client's object, and takes out what the client wrote under that name. */
export class JsonEncoder implements Encoder {
  readonly #scanner: ObjectScanner;
  readonly #key: Buffer;
  readonly #delimiter: number;
  /** What must not stand between tokens, where it would end the line. */
  readonly #breaks: readonly number[];

  constructor(fromField: string, format: LineFormat) {
    this.#scanner = new ObjectScanner([fromField]);
    this.#key = Buffer.from(`${JSON.stringify(fromField)}:`);
    this.#delimiter = format.delimiter;
    const isTabADelimiter = [format.delimiter, ...format.otherDelimiters].includes(tab);
    this.#breaks = isTabADelimiter ? [newline, carriageReturn, tab] : [newline, carriageReturn];
  }

  encode(connectionId: number, payload: Buffer, isBinary: boolean, out: ByteWriter): DropReason | undefined {
    const isText = !isBinary || isUtf8(payload);
    if (!isText || !this.#scanner.scan(payload, 0, payload.length)) return "not_json_object";
    const start = out.length;
    this.#appendObject(connectionId, payload, out);
    for (const each of this.#breaks) if (payload.includes(each)) replace(out.bytes, start, out.length, each);
    out.push(this.#delimiter);
    return undefined;
  }

  encodeNotice(_connectionId: number, text: Buffer, out: ByteWriter): void {
    out.append(text);
    out.push(this.#delimiter);
  }

  #appendObject(connectionId: number, payload: Buffer, out: ByteWriter): void {
    out.append(payload, 0, this.#scanner.bodyStart);
    out.append(this.#key);
    out.appendDecimal(connectionId);
    if (this.#scanner.otherCount > 0) out.push(comma);
    appendOtherMembers(this.#scanner, payload, payload.length, out);
  }
}

/** In valid JSON such a byte can only stand between tokens, where a space says the same. */
function replace(bytes: Buffer, start: number, end: number, what: number): void {
  for (let at = start; at < end; at += 1) if (bytes[at] === what) bytes[at] = space;
}
