import { closeCodes } from "../close-codes.ts";
import type { ClientEvents, ClientLink } from "../links.ts";
import { StallWatch } from "../stall-watch.ts";
import type { Counters } from "./counters.ts";
import { Expiry } from "./expiry.ts";
import { type RateLimits, Throttle, type ThrottleEvents } from "./throttle.ts";

/** What to do with a client that does not take what it is sent. */
type SlowPolicy = "pause" | "close" | "drop";

export interface ConnectionLimits extends RateLimits {
  readonly slow: SlowPolicy;
  readonly clientBufferBytes: number;
  readonly slowTimeoutMs: number;
}

/** The room, as a connection sees it. */
export interface ConnectionOwner {
  receive(connection: Connection, payload: Buffer, isBinary: boolean): void;

  /** The client is behind, so the process should write no more for now; `caughtUp` or `leave` follows. */
  fellBehind(connection: Connection): void;
  caughtUp(connection: Connection): void;
  leave(connection: Connection, fault?: string): void;
}

/** One client's place in a room. */
export class Connection implements ClientEvents, ThrottleEvents {
  readonly id: number;
  readonly #owner: ConnectionOwner;
  readonly #limits: ConnectionLimits;
  readonly #counters: Counters;
  /** "replaying" says that more waits than the buffer holds, but only of what was said before the client came. */
  #state: "opening" | "open" | "replaying" | "behind" | "closed" = "opening";
  #allowedBytes: number;
  #link: ClientLink | undefined;
  #stallWatch: StallWatch | undefined;
  #expiry: Expiry | undefined;
  /** Undefined where the client may send as much as it likes. */
  #throttle: Throttle | undefined;
  /** Who does not want the client to be read now: neither takes away what the other wants. */
  #isPausedByRoom = false;
  #isPausedByThrottle = false;

  constructor(id: number, owner: ConnectionOwner, limits: ConnectionLimits, counters: Counters) {
    this.id = id;
    this.#owner = owner;
    this.#limits = limits;
    this.#counters = counters;
    this.#allowedBytes = limits.clientBufferBytes;
    this.#throttle = Throttle.create(limits, this);
  }

  /** Whether the client reads compressed messages. */
  get isCompressing(): boolean {
    return this.#link?.isCompressing ?? false;
  }

  get pendingBytes(): number {
    return this.#link?.pendingBytes ?? 0;
  }

  /** What the client has shown to come in holds until `expiresAtMs`, in milliseconds of Unix time; null is for ever. */
  open(link: ClientLink, expiresAtMs: number | null = null): void {
    this.#link = link;
    this.#state = "open";
    if (expiresAtMs !== null) this.#expiry = new Expiry(expiresAtMs, () => this.#closeAsExpired());
  }

  /** Sends encoded bytes that hold so many messages. Returns whether nobody needs the bytes any more. */
  deliver(bytes: Buffer, messages: number): boolean {
    const link = this.#linkWithRoom(bytes.length, messages);
    if (link === undefined) return true;
    link.write(link.pendingBytes > 0 ? ownBytes(bytes) : bytes);
    const isTaken = link.pendingBytes === 0;
    this.#afterWrite(link);
    return isTaken;
  }

  /** The same with several pieces. */
  deliverAll(pieces: readonly Buffer[], messages: number): boolean {
    let length = 0;
    for (const piece of pieces) length += piece.length;
    const link = this.#linkWithRoom(length, messages);
    if (link === undefined) return true;
    if (link.pendingBytes > 0) link.write(ownBytes(Buffer.concat(pieces)));
    else link.writeAll(pieces);
    const isTaken = link.pendingBytes === 0;
    this.#afterWrite(link);
    return isTaken;
  }

  /**
   * Sends what was said before the client came. It may wait beside what else may wait, so that the room need not wait for
   * newcomers; a client that takes nothing of it is closed all the same.
   */
  replay(pieces: readonly Buffer[], messages: number): void {
    let length = 0;
    for (const piece of pieces) length += piece.length;
    const link = this.#linkWithRoom(length, messages);
    if (link === undefined) return;
    link.writeAll(pieces);
    if (link.pendingBytes <= this.#allowedBytes) return;
    this.#state = "replaying";
    this.#allowedBytes += length;
    this.#watch(link);
    link.whenTaken(() => this.#onReplayTaken());
  }

  /** The room has no place for what the client says. */
  pause(): void {
    this.#isPausedByRoom = true;
    this.#link?.pause();
  }

  resume(): void {
    this.#isPausedByRoom = false;
    this.#resumeIfWanted();
  }

  /** Says goodbye to the client and leaves the room. */
  close(code: number, reason: string): void {
    if (this.#state === "closed") return;
    const link = this.#link;
    this.#leave();
    link?.close(code, reason);
  }

  onMessage(payload: Buffer, isBinary: boolean): void {
    if (this.#state === "closed") return;
    this.#counters.messagesReceived += 1;
    this.#counters.bytesReceived += payload.length;
    this.#owner.receive(this, payload, isBinary);
    this.#throttle?.take(payload.length);
  }

  onControl(bytes: number): void {
    this.#throttle?.take(bytes);
  }

  onClose(fault?: string): void {
    if (this.#state !== "closed") this.#leave(fault);
  }

  onOverdrawn(): void {
    this.#counters.ratePauses += 1;
    this.#isPausedByThrottle = true;
    this.#link?.pause();
  }

  onPaidOff(): void {
    this.#isPausedByThrottle = false;
    this.#resumeIfWanted();
  }

  onGraceOver(): void {
    this.#counters.rateClosed += 1;
    this.close(closeCodes.policyViolation.code, "client sends more than it may");
  }

  #resumeIfWanted(): void {
    if (!this.#isPausedByRoom && !this.#isPausedByThrottle) this.#link?.resume();
  }

  #leave(fault?: string): void {
    this.#state = "closed";
    this.#throttle?.stop();
    this.#throttle = undefined;
    this.#stallWatch?.stop();
    this.#stallWatch = undefined;
    this.#expiry?.stop();
    this.#link = undefined;
    this.#owner.leave(this, fault);
  }

  /** The link, if it may be written to now; counts what is sent, or what is dropped instead. */
  #linkWithRoom(bytes: number, messages: number): ClientLink | undefined {
    const link = this.#link;
    if (link === undefined) return undefined;
    if (this.#limits.slow === "drop" && link.pendingBytes > this.#allowedBytes) {
      this.#counters.dropped.slow_client += messages;
      return undefined;
    }
    this.#counters.messagesSent += messages;
    this.#counters.bytesSent += bytes;
    return link;
  }

  #afterWrite(link: ClientLink): void {
    if (link.pendingBytes <= this.#allowedBytes || this.#state === "behind" || this.#state === "closed") return;
    if (this.#limits.slow === "pause") this.#fallBehind(link);
    else if (this.#limits.slow === "close") this.#closeAsSlow();
  }

  #fallBehind(link: ClientLink): void {
    this.#state = "behind";
    this.#watch(link);
    link.whenTaken(() => this.#catchUp());
    this.#owner.fellBehind(this);
  }

  #watch(link: ClientLink): void {
    this.#stallWatch ??= new StallWatch(
      this.#limits.slowTimeoutMs,
      () => link.arrivedBytes,
      () => this.#closeAsSlow(),
    );
    this.#stallWatch.start();
  }

  #onReplayTaken(): void {
    this.#allowedBytes = this.#limits.clientBufferBytes;
    if (this.#state !== "replaying") return;
    this.#state = "open";
    this.#stallWatch?.stop();
  }

  #catchUp(): void {
    if (this.#state !== "behind") return;
    this.#state = "open";
    this.#stallWatch?.stop();
    this.#owner.caughtUp(this);
  }

  #closeAsExpired(): void {
    this.close(closeCodes.expired.code, "what you have shown to come in has expired");
  }

  #closeAsSlow(): void {
    this.#counters.slowClosed += 1;
    this.close(closeCodes.tooSlow.code, "client does not take what it is sent");
  }
}

/**
 * The bytes without much around them. A small part of a large buffer keeps all of it in memory for as long as it
 * waits, which would let a client hold far more than its buffer's limit.
 */
function ownBytes(bytes: Buffer): Buffer {
  if (bytes.buffer.byteLength <= 2 * bytes.length) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}
