const quote = 0x22;
const never = Number.POSITIVE_INFINITY;

interface Needle {
  readonly bytes: Buffer;
  /** Whether it counts only behind a quote. */
  readonly isKey: boolean;
  /** Where it occurs next. */
  next: number;
}

/**
 * Tells whether a text can hold one of some JSON keys at all. Where each occurs next is remembered from text to text, so
 * that each byte of a buffer is searched once for each key, and a text before all of them costs one comparison.
 */
export class KeySearch {
  readonly #needles: Needle[];
  #bytes: Buffer | undefined;
  #nearest = never;

  constructor(keys: readonly string[]) {
    // Without the quote at its front: every string has that, and the search stops at each first byte of what it looks for.
    const plain = keys.map((key) => ({ bytes: Buffer.from(`${key}"`), isKey: true, next: never }));
    // A key in another spelling holds one of these.
    this.#needles = [...plain, { bytes: Buffer.from("\\u"), isKey: false, next: never }];
  }

  /** Whether the bytes from `start` to `end` may hold one; ask for the texts of a buffer in their order. */
  isWithin(bytes: Buffer, start: number, end: number): boolean {
    if (bytes !== this.#bytes || this.#nearest < start) this.#search(bytes, start);
    return this.#nearest < end;
  }

  /** Lets go of the buffer, which would else live as long as the room. */
  forget(): void {
    this.#bytes = undefined;
  }

  #search(bytes: Buffer, start: number): void {
    const isNew = bytes !== this.#bytes;
    this.#bytes = bytes;
    this.#nearest = never;
    for (const needle of this.#needles) {
      if (isNew || needle.next < start) needle.next = nextOf(needle, bytes, start);
      if (needle.next < this.#nearest) this.#nearest = needle.next;
    }
  }
}

function nextOf(needle: Needle, bytes: Buffer, start: number): number {
  let at = bytes.indexOf(needle.bytes, start);
  if (needle.isKey) while (at !== -1 && bytes[at - 1] !== quote) at = bytes.indexOf(needle.bytes, at + 1);
  return at === -1 ? never : at;
}
