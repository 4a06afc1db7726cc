import { loadCLibrary } from "./c-library.ts";

/** How often it is looked whether there was little to do since the last time. */
const lookMs = 500;
/** Busier than that, as a share of the time, is not quiet. */
const quietShare = 0.1;
/** There is nothing to gain before so much was done. */
const leastWorkMs = 200;
/** What it costs, with the pages that have to be had again for more work, is then less than a hundredth of the time. */
const leastPauseMs = 2000;

/** Less than that of new buffers is not worth looking through. */
const leastNewBufferBytes = 8 * 1024 * 1024;
/** To collect garbage takes about a millisecond for each MiB of the heap. */
const mostHeapBytes = 32 * 1024 * 1024;

/** The heap of this process, where all of its garbage may be collected at once. */
export interface Heap {
  /** In bytes; `arrayBuffers` are those of buffers. */
  usage(): { readonly heapTotal: number; readonly arrayBuffers: number };
  collectGarbage(): void;
}

/**
 * The C library's malloc_trim(3), called on another thread: it gives free memory back to the system. Undefined where there
 * is no such call, as outside of glibc.
 */
export function loadTrim(): (() => void) | undefined {
  try {
    const malloc_trim = loadCLibrary().find("int malloc_trim(size_t kept)");
    return () => void malloc_trim.async(0, () => undefined);
  } catch {
    return undefined;
  }
}

/**
 * Gives free memory back to the system in quiet times after work, since it takes some milliseconds: what the C library keeps
 * between blocks that are in use, and garbage in buffers, of which V8 keeps up to 32 MiB.
 */
export class IdleTrim {
  readonly #heap: Heap | undefined;
  readonly #load: typeof loadTrim;
  readonly #timer: NodeJS.Timeout;
  #lookedAt = performance.eventLoopUtilization();
  #workMs = 0;
  #trimmedAt = -Infinity;
  #giveBack: ReturnType<typeof loadTrim>;
  #hasCollected = false;
  /** Of buffers, after the last collection or since. */
  #leastBufferBytes = 0;

  /** Without a heap, what V8 keeps is left to it. */
  constructor(heap?: Heap, load = loadTrim) {
    this.#heap = heap;
    this.#load = load;
    this.#timer = setInterval(() => this.#look(), lookMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const now = performance.eventLoopUtilization();
    const { active, utilization } = performance.eventLoopUtilization(now, this.#lookedAt);
    this.#lookedAt = now;
    this.#workMs += active;
    const isDue = this.#workMs >= leastWorkMs && performance.now() - this.#trimmedAt >= leastPauseMs;
    if (isDue && utilization <= quietShare && !this.#collect()) this.#trim();
  }

  /** Collects garbage where many buffers may be some; true means that V8 lets go of them now, so memory is given back half a second later. */
  #collect(): boolean {
    if (this.#heap === undefined) return false;
    const { arrayBuffers, heapTotal } = this.#heap.usage();
    this.#leastBufferBytes = this.#hasCollected ? arrayBuffers : Math.min(this.#leastBufferBytes, arrayBuffers);
    const newBytes = arrayBuffers - this.#leastBufferBytes;
    this.#hasCollected = newBytes >= leastNewBufferBytes && heapTotal <= mostHeapBytes;
    if (this.#hasCollected) this.#heap.collectGarbage();
    return this.#hasCollected;
  }

  /** What it takes is loaded only now, so that the start of the server does not wait for it. */
  #trim(): void {
    this.#workMs = 0;
    this.#trimmedAt = performance.now();
    this.#giveBack ??= this.#load();
    if (this.#giveBack === undefined) this.stop();
    else this.#giveBack();
  }
}
