import type { SocketLink } from "./socket-link.ts";

const looksPerInterval = 10;

/**
 * Finds out which clients are gone without a word: a ping after one interval without a byte, the end after another.
 * Looks at all links with one timer, so that the way of a message need not know of it.
 */
export class Heartbeat {
  /** The links that it looks after. */
  readonly links: ReadonlySet<SocketLink>;
  readonly #intervalMs: number;
  readonly #links = new Set<SocketLink>();
  #timer: NodeJS.Timeout | undefined;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
    this.links = this.#links;
  }

  add(link: SocketLink): void {
    this.#links.add(link);
    this.#timer ??= setInterval(() => this.#look(), this.#intervalMs / looksPerInterval).unref();
  }

  delete(link: SocketLink): void {
    this.#links.delete(link);
    if (this.#links.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const now = performance.now();
    for (const link of this.#links) this.#lookAt(link, now);
  }

  #lookAt(link: SocketLink, now: number): void {
    const signs = link.lifeSigns;
    const { readBytes, takenBytes } = link;
    // Taking what waits is a sign of life too: the answer to a ping may stand behind megabytes.
    const isTaking = link.pendingBytes > 0 && takenBytes !== signs.takenBytes;
    signs.takenBytes = takenBytes;
    if (readBytes !== signs.readBytes || isTaking) {
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
      link.ping();
    } else if (silentMs >= 2 * this.#intervalMs) {
      link.abort();
    }
  }
}
