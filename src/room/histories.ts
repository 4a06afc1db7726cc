import { History, type HistoryLimits } from "./history.ts";

/** Which messages for everyone are kept: all, or those that the process tags. */
export type KeptMessages = "all" | "tagged";

export interface HistoriesOptions {
  readonly cache: { readonly kept: KeptMessages; readonly messages: number } | undefined;
  readonly cacheBytes: number;
  /** Whether a history outlives the process that wrote it. */
  readonly cachePersist: boolean;
}

/** Bounds on what is kept for rooms that are closed. */
const maxClosedBytes = 16 * 1024 * 1024;
const maxClosedRooms = 1000;

/** The histories of all rooms, also of those that are closed and may be opened again. */
export class Histories {
  readonly kept: KeptMessages;
  readonly #limits: HistoryLimits;
  readonly #doPersist: boolean;
  readonly #maxClosedBytes: number;
  /** By room, the longest closed first. */
  readonly #closed = new Map<string, History>();
  #closedBytes = 0;

  constructor(kept: KeptMessages, limits: HistoryLimits, doPersist: boolean) {
    this.kept = kept;
    this.#limits = limits;
    this.#doPersist = doPersist;
    this.#maxClosedBytes = Math.max(maxClosedBytes, limits.maxBytes);
  }

  /** Undefined where nothing is to be kept. */
  static create({ cache, cacheBytes, cachePersist }: HistoriesOptions): Histories | undefined {
    if (cache === undefined) return undefined;
    return new Histories(cache.kept, { maxMessages: cache.messages, maxBytes: cacheBytes }, cachePersist);
  }

  /** The history of a room that opens. */
  open(room: string): History {
    const history = this.#closed.get(room);
    if (history === undefined) return new History(this.#limits);
    this.#closed.delete(room);
    this.#closedBytes -= history.size;
    return history;
  }

  /** The room's process has ended, and the next one may come. */
  endProcess(history: History): void {
    if (!this.#doPersist) history.clear();
  }

  /** The room is gone. Nothing may be added to its history before it is opened again. */
  close(room: string, history: History): void {
    if (!this.#doPersist || history.messages === 0) return;
    history.shrink();
    this.#closed.set(room, history);
    this.#closedBytes += history.size;
    for (const [oldest, { size }] of this.#closed) {
      if (this.#closed.size <= maxClosedRooms && this.#closedBytes <= this.#maxClosedBytes) break;
      this.#closed.delete(oldest);
      this.#closedBytes -= size;
    }
  }
}
