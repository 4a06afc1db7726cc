/** What may be kept for who comes later. */
export interface HistoryLimits {
  readonly maxMessages: number;
  readonly maxBytes: number;
}

const smallestSegmentBytes = 256;
const largestSegmentBytes = 256 * 1024;
/** Each message counts with this much more, so that many tiny ones are bounded as well. */
const bytesPerMessage = 8;
const numbersPerSpan = 2;

/** Some messages behind each other. Bytes are only ever added, so that slices may wait for slow clients. */
interface Segment {
  readonly bytes: Buffer;
  length: number;
  /** Where each message ends. */
  readonly ends: number[];
  /** Which message is the oldest that is still kept. */
  oldest: number;
}

/** The last messages for everyone, as they are sent to clients. */
export class History {
  readonly #limits: HistoryLimits;
  #segments: Segment[] = [];
  #messages = 0;
  #bytes = 0;

  constructor(limits: HistoryLimits) {
    this.#limits = limits;
  }

  get messages(): number {
    return this.#messages;
  }

  /** What counts against the limit. */
  get size(): number {
    return this.#bytes + this.#messages * bytesPerMessage;
  }

  /** All that is kept, the oldest first. It stays as it is when more is added. */
  get pieces(): Buffer[] {
    return this.#segments.map((segment) => segment.bytes.subarray(startOf(segment), segment.length));
  }

  /** Copies messages that stand in `bytes`, each from one offset of `spans` to the next, and lets go of the oldest. */
  add(bytes: Buffer, spans: readonly number[]): void {
    const first = this.#firstThatStays(spans);
    if (first > 0) this.clear();
    let missing = 0;
    for (let at = first; at < spans.length; at += numbersPerSpan) missing += lengthAt(spans, at);
    for (let at = first; at < spans.length; at += numbersPerSpan) {
      this.#append(bytes, spans[at] as number, spans[at + 1] as number, missing);
      missing -= lengthAt(spans, at);
    }
    while (this.#messages > this.#limits.maxMessages || this.size > this.#limits.maxBytes) this.#dropOldest();
  }

  clear(): void {
    this.#segments = [];
    this.#messages = 0;
    this.#bytes = 0;
  }

  /** Gives back what was reserved for messages to come. */
  shrink(): void {
    // Not from the pool of small buffers, which would live as long as this one.
    const bytes = Buffer.allocUnsafeSlow(this.#bytes);
    const ends: number[] = [];
    let end = 0;
    for (const segment of this.#segments) {
      segment.bytes.copy(bytes, end, startOf(segment), segment.length);
      for (let index = segment.oldest; index < segment.ends.length; index += 1) {
        end += lengthOf(segment, index);
        ends.push(end);
      }
    }
    this.#segments = ends.length === 0 ? [] : [{ bytes, length: bytes.length, ends, oldest: 0 }];
  }

  /** Where the first message stands that all behind it leave a place for: those before it need not be copied. */
  #firstThatStays(spans: readonly number[]): number {
    const { maxMessages, maxBytes } = this.#limits;
    let size = 0;
    let at = spans.length;
    for (let count = 1; at > 0 && count <= maxMessages; count += 1, at -= numbersPerSpan) {
      size += bytesPerMessage + lengthAt(spans, at - numbersPerSpan);
      if (size > maxBytes) break;
    }
    return at;
  }

  /** `missing` says how many bytes come behind each other from here on. */
  #append(bytes: Buffer, start: number, end: number, missing: number): void {
    let segment = this.#segments.at(-1);
    if (segment === undefined || segment.bytes.length - segment.length < end - start) {
      segment = this.#createSegment(end - start, missing);
      this.#segments.push(segment);
    }
    bytes.copy(segment.bytes, segment.length, start, end);
    segment.length += end - start;
    segment.ends.push(segment.length);
    this.#messages += 1;
    this.#bytes += end - start;
  }

  /** As large as what is kept already, so that there are few, and small for those who keep little. */
  #createSegment(atLeast: number, missing: number): Segment {
    const wanted = Math.max(this.#bytes, missing, smallestSegmentBytes);
    const length = Math.max(atLeast, Math.min(wanted, largestSegmentBytes));
    return { bytes: Buffer.allocUnsafeSlow(length), length: 0, ends: [], oldest: 0 };
  }

  #dropOldest(): void {
    const [segment] = this.#segments;
    if (segment === undefined) return;
    this.#bytes -= lengthOf(segment, segment.oldest);
    this.#messages -= 1;
    segment.oldest += 1;
    if (segment.oldest === segment.ends.length) this.#segments.shift();
  }
}

function lengthAt(spans: readonly number[], at: number): number {
  return (spans[at + 1] as number) - (spans[at] as number);
}

function startOf({ ends, oldest }: Segment): number {
  return oldest === 0 ? 0 : (ends[oldest - 1] as number);
}

function lengthOf({ ends }: Segment, index: number): number {
  return (ends[index] as number) - (index === 0 ? 0 : (ends[index - 1] as number));
}
