import { closeReason, isCodeForProcess } from "../close-codes.ts";
import type { DropReason } from "../drop-reasons.ts";
import { everyone, type FramingOptions, type Recipients } from "./framing.ts";
import { jsonFields } from "../json-fields.ts";
import { afterScalar, afterSpace } from "./json-tokens.ts";
import type { FoundMember } from "./object-scanner.ts";

const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;
const quote = 0x22;
const digitZero = 0x30;
const digitNine = 0x39;
const lowerN = 0x6e;
const lowerT = 0x74;

type Field = "to" | "except" | "close" | "reason" | "metadata" | "tag" | "from";

/** What a process says of one message in its fields. Reuse one for many messages: what was read holds until the next. */
export class JsonHeader {
  /** The names that a scanner is to look for. */
  readonly names: readonly string[];
  /** Those without which the others mean nothing. */
  readonly telling: readonly string[];
  readonly #fields: readonly Field[];
  readonly #ids = new Set<number>();
  /** One bit for each name that was read. */
  #seen = 0;
  #isAddressed = false;
  #hasBadAddress = false;
  #wantsClose = false;
  #code = 0;
  #hasBadClose = false;
  /** Whether it says who sent it, as only the words of a client do that the process writes back. */
  #isEcho = false;
  #areExcluded = true;

  /** The one client, or {@link everyone}; undefined where only `recipients` can tell. */
  recipient: number | undefined = everyone;
  /** With which code the recipients are to be closed; undefined where they are not. */
  closeCode: number | undefined;
  closeReason = "";
  isMetadata = false;
  /** Whether the message, which is for everyone, is to be kept. */
  isTagged = false;

  constructor({ fromField, toField, cache }: FramingOptions) {
    const fields = new Map<string, Field>([[toField, "to"]]);
    fields.set(jsonFields.to, "to").set(jsonFields.except, "except").set(jsonFields.close, "close");
    fields.set(jsonFields.metadata, "metadata");
    if (cache?.kept === "tagged") fields.set(jsonFields.cache, "tag");
    this.telling = [...fields.keys()];
    fields.set(jsonFields.reason, "reason");
    if (!fields.has(fromField)) fields.set(fromField, "from");
    this.names = [...fields.keys()];
    this.#fields = [...fields.values()];
  }

  /** Good until the next message is read. */
  get recipients(): Recipients {
    return { ids: this.#ids, areExcluded: this.#areExcluded };
  }

  /** Reads what a scanner with these names has found; a reason says that the message cannot be used. */
  read(bytes: Buffer, found: readonly FoundMember[]): DropReason | undefined {
    this.#forget();
    for (const member of found) this.#take(bytes, member);
    // Who comes later gets nothing that was for some.
    if (this.recipient !== everyone) this.isTagged = false;
    if (this.#hasBadAddress) return "invalid_id";
    if (!this.#wantsClose || this.#isEcho) return undefined;
    if (this.#hasBadClose) return "invalid_close";
    if (this.recipient !== undefined && this.recipient !== everyone) this.#setOnlyRecipient(this.recipient);
    this.closeCode = this.#code;
    return undefined;
  }

  #forget(): void {
    this.#seen = 0;
    this.#isAddressed = false;
    this.#hasBadAddress = false;
    this.#wantsClose = false;
    this.#hasBadClose = false;
    this.#isEcho = false;
    if (this.#ids.size > 0) this.#ids.clear();
    this.#areExcluded = true;
    this.recipient = everyone;
    this.closeCode = undefined;
    this.closeReason = "";
    this.isMetadata = false;
    this.isTagged = false;
  }

  #take(bytes: Buffer, { nameIndex, valueStart, valueEnd }: FoundMember): void {
    const bit = 1 << nameIndex;
    const isRepeated = (this.#seen & bit) !== 0;
    this.#seen |= bit;
    const field = this.#fields[nameIndex];
    const first = bytes[valueStart] as number;
    switch (field) {
      case "to":
      case "except":
        // Of several none is sure to be the one that was meant, and a private message must not reach the wrong client.
        if (isRepeated) this.#hasBadAddress = true;
        else if (first !== lowerN) this.#takeAddress(bytes, valueStart, valueEnd, field === "except");
        break;
      case "close":
      case "reason":
        if (field === "close") this.#wantsClose ||= isRepeated || first !== lowerN;
        if (isRepeated) this.#hasBadClose = true;
        else if (first !== lowerN) this.#takeClose(bytes, valueStart, valueEnd, field);
        break;
      case "metadata":
        this.isMetadata ||= first === lowerT;
        break;
      case "tag":
        this.isTagged ||= first === lowerT;
        break;
      default:
        this.#isEcho = true;
    }
  }

  #takeAddress(bytes: Buffer, start: number, end: number, areExcluded: boolean): void {
    const isList = bytes[start] === openBracket;
    const id = isList ? undefined : parseId(bytes, start, end);
    const isUsable = !this.#isAddressed && (isList ? this.#takeList(bytes, start, end) : id !== undefined);
    this.#isAddressed = true;
    this.#areExcluded = areExcluded;
    if (!isUsable) this.#hasBadAddress = true;
    else if (id !== undefined && areExcluded) this.#ids.add(id);
    this.recipient = areExcluded || isList ? undefined : id;
    // Nobody is left out.
    if (areExcluded && this.#ids.size === 0) this.recipient = everyone;
  }

  /** Takes the ids of a list, whose syntax is right; false where anything else is in it. */
  #takeList(bytes: Buffer, start: number, end: number): boolean {
    let at = afterSpace(bytes, start + 1, end);
    while (bytes[at] !== closeBracket) {
      const valueEnd = afterScalar(bytes, at, end);
      const id = valueEnd === -1 ? undefined : parseId(bytes, at, valueEnd);
      if (id === undefined) return false;
      this.#ids.add(id);
      at = afterSpace(bytes, valueEnd, end);
      if (bytes[at] === comma) at = afterSpace(bytes, at + 1, end);
    }
    return true;
  }

  #takeClose(bytes: Buffer, start: number, end: number, field: "close" | "reason"): void {
    if (field === "reason") {
      if (bytes[start] === quote)
        this.closeReason = closeReason(JSON.parse(bytes.toString("utf8", start, end)) as string);
      else this.#hasBadClose = true;
      return;
    }
    const code = parseWhole(bytes, start, end);
    if (code !== undefined && isCodeForProcess(code)) this.#code = code;
    else this.#hasBadClose = true;
  }

  #setOnlyRecipient(id: number): void {
    this.#ids.add(id);
    this.#areExcluded = false;
  }
}

/** The id that a JSON value stands for; undefined for what is no whole number from 1. */
function parseId(bytes: Buffer, start: number, end: number): number | undefined {
  const id = parseWhole(bytes, start, end);
  return id !== undefined && id >= 1 ? id : undefined;
}

/** A JSON value as a whole number from 0, if it is one. */
function parseWhole(bytes: Buffer, start: number, end: number): number | undefined {
  const first = bytes[start] as number;
  if (first < digitZero || first > digitNine) return undefined;
  const number = Number(bytes.toString("latin1", start, end));
  return Number.isInteger(number) ? number : undefined;
}
