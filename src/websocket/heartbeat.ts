import type { SocketLink } from "./socket-link.ts";

const looksPerInterval = 10;

export interface HeartbeatOptions {
  readonly pingIntervalMs: number;
  /** How long a message may be under way. */
  readonly messageTimeoutMs: number;
}

/**
 * Finds out which clients are gone without a word: a ping after one interval without a byte, the end after another. And
 * which do not come to the end of a message, since any byte counts as life.
 * Looks at all links with one timer, so that the way of a message need not know of it.
 */
export class Heartbeat {
  readonly #links: ReadonlySet<SocketLink>;
  readonly #intervalMs: number;
  readonly #messageTimeoutMs: number;
  #timer: NodeJS.Timeout | undefined;
  #lookedAt = 0;

  /** Looks after the links that are in the set at the time. */
  constructor(links: ReadonlySet<SocketLink>, { pingIntervalMs, messageTimeoutMs }: HeartbeatOptions) {
    this.#links = links;
    this.#intervalMs = pingIntervalMs;
    this.#messageTimeoutMs = messageTimeoutMs;
  }

  /** There is a link, and it is looked at until there is none. */
  start(): void {
    if (this.#timer !== undefined) return;
    this.#lookedAt = performance.now();
    const shortestMs = Math.min(this.#intervalMs, this.#messageTimeoutMs);
    this.#timer = setInterval(() => this.#look(), shortestMs / looksPerInterval).unref();
  }

  #look(): void {
    if (this.#links.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    const now = performance.now();
    const passedMs = now - this.#lookedAt;
    this.#lookedAt = now;
    for (const link of this.#links) {
      this.#lookAtMessage(link, passedMs);
      this.#lookForLife(link, now);
    }
  }

  /** Time in which the client is not read does not count. */
  #lookAtMessage(link: SocketLink, passedMs: number): void {
    const { unfinished, lifeSigns: signs } = link;
    if (unfinished === 0 || unfinished !== signs.unfinished) {
      signs.unfinished = unfinished;
      signs.unfinishedMs = 0;
      return;
    }
    if (link.isPaused) return;
    signs.unfinishedMs += passedMs;
    if (signs.unfinishedMs >= this.#messageTimeoutMs) link.onMessageTimeout();
  }

  #lookForLife(link: SocketLink, now: number): void {
    const { lifeSigns: signs, readBytes } = link;
    if (readBytes !== signs.readBytes) {
      signs.readBytes = readBytes;
      signs.at = now;
      signs.isPinged = false;
      return;
    }
    const silentMs = now - signs.at;
    if (silentMs < this.#intervalMs) return;
    if (link.isPaused) {
      // Neither an answer nor the connection's end is read now: only writing finds out that the client is gone.
      signs.at = now;
      signs.isPinged = false;
      link.ping();
    } else if (!signs.isPinged) {
      signs.isPinged = true;
      signs.arrivedBytes = link.arrivedBytes;
      link.ping();
    } else if (silentMs >= 2 * this.#intervalMs) {
      this.#lookForProgress(link, now);
    }
  }

  /** The ping may stand behind megabytes, and a client that takes these cannot have answered it. */
  #lookForProgress(link: SocketLink, now: number): void {
    const { lifeSigns: signs, arrivedBytes } = link;
    if (link.bytesUnderWay === 0 || arrivedBytes === signs.arrivedBytes) {
      link.abort();
      return;
    }
    signs.arrivedBytes = arrivedBytes;
    signs.at = now - this.#intervalMs;
  }
}
