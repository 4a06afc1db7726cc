/** How much one client may send; undefined is no limit. */
export interface RateLimits {
  readonly messageRate: number | undefined;
  readonly byteRate: number | undefined;
  /** So many milliseconds' worth may come at once. */
  readonly burstMs: number;
  /** How long a client may go on sending more than it may. */
  readonly rateGraceMs: number;
}

/** Whom a {@link Throttle} works for. */
export interface ThrottleEvents {
  /** The client has sent more than it may: nothing more should be read of it for now. Another of the two follows. */
  onOverdrawn(): void;

  /** The client may be read again. */
  onPaidOff(): void;

  /** The client went on sending more than it may for its whole grace. */
  onGraceOver(): void;
}

/** A client that was read for so long without sending too much again has mended its ways. */
const mendedMs = 1000;

/**
 * A token bucket each for the messages and bytes of one client. What was read already may overdraw them; then the client
 * is not read until time has paid that off. Nothing is lost by it: what the client sends meanwhile waits on its side.
 */
export class Throttle {
  readonly #messages: Bucket;
  readonly #bytes: Bucket;
  readonly #graceMs: number;
  readonly #events: ThrottleEvents;
  #filledAt = performance.now();
  /** When the client was first found to send too much, and has not mended its ways since. */
  #overSince = Number.NEGATIVE_INFINITY;
  #paidOffAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  private constructor({ messageRate, byteRate, burstMs, rateGraceMs }: RateLimits, events: ThrottleEvents) {
    this.#messages = new Bucket(messageRate, burstMs);
    this.#bytes = new Bucket(byteRate, burstMs);
    this.#graceMs = rateGraceMs;
    this.#events = events;
  }

  /** Undefined where nothing is limited. */
  static create(limits: RateLimits, events: ThrottleEvents): Throttle | undefined {
    if (limits.messageRate === undefined && limits.byteRate === undefined) return undefined;
    return new Throttle(limits, events);
  }

  /** One message of so many bytes was read. */
  take(bytes: number): void {
    this.#fill(performance.now());
    this.#messages.level -= 1;
    this.#bytes.level -= bytes;
    if (this.#timer === undefined && this.#debtMs > 0) this.#overdraw();
  }

  /** Tells nothing more. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  /** How long it takes to pay off what the client has sent too much. */
  get #debtMs(): number {
    return Math.max(this.#messages.debtMs, this.#bytes.debtMs);
  }

  #fill(now: number): void {
    const passedMs = now - this.#filledAt;
    this.#filledAt = now;
    this.#messages.fill(passedMs);
    this.#bytes.fill(passedMs);
  }

  #overdraw(): void {
    if (this.#filledAt - this.#paidOffAt >= mendedMs) this.#overSince = this.#filledAt;
    this.#wait();
    this.#events.onOverdrawn();
  }

  /** Waits until the debt is paid, but not beyond the grace; timers may come a little early. */
  #wait(): void {
    const graceLeftMs = this.#overSince + this.#graceMs - this.#filledAt;
    const waitMs = Math.ceil(Math.min(this.#debtMs, graceLeftMs));
    this.#timer = setTimeout(() => this.#onWaited(), Math.max(waitMs, 1));
  }

  #onWaited(): void {
    this.#fill(performance.now());
    if (this.#debtMs === 0) {
      this.#timer = undefined;
      this.#paidOffAt = this.#filledAt;
      this.#events.onPaidOff();
    } else if (this.#filledAt - this.#overSince >= this.#graceMs) {
      this.#events.onGraceOver();
    } else {
      this.#wait();
    }
  }
}

/** Fills with time up to what a burst may take. Without a rate it is never empty. */
class Bucket {
  /** Below zero it is debt. */
  level: number;
  readonly #perMs: number;
  readonly #capacity: number;

  constructor(perSecond: number | undefined, burstMs: number) {
    this.#perMs = (perSecond ?? 0) / 1000;
    // One message may always come at once.
    this.#capacity = perSecond === undefined ? Number.POSITIVE_INFINITY : Math.max(this.#perMs * burstMs, 1);
    this.level = this.#capacity;
  }

  get debtMs(): number {
    return this.level >= 0 ? 0 : -this.level / this.#perMs;
  }

  fill(passedMs: number): void {
    this.level = Math.min(this.level + passedMs * this.#perMs, this.#capacity);
  }
}
