/**
 * Does something for one item after the other over a span of time, which is divided into as many slots as there are items:
 * for the first at once, then in each slot at a random moment for the next one that is still there. So what is gone by
 * itself makes the whole shorter.
 */
export class Gradually<Item> {
  readonly #items: Item[];
  readonly #slotMs: number;
  readonly #act: (item: Item) => boolean;
  readonly #random: () => number;
  #startedAt = 0;
  #slot = 0;
  #timer: NodeJS.Timeout | undefined;
  #onDone: () => void = () => undefined;

  /** Resolves when nothing is left to do. */
  readonly done: Promise<void> = new Promise((resolve) => {
    this.#onDone = resolve;
  });

  /** `act` returns whether the item was still there. */
  constructor(items: Iterable<Item>, spanMs: number, act: (item: Item) => boolean, random: () => number = Math.random) {
    this.#items = [...items].toReversed();
    this.#slotMs = this.#items.length === 0 ? 0 : spanMs / this.#items.length;
    this.#act = act;
    this.#random = random;
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#proceed();
  }

  /** Does all that is left at once. */
  hurry(): void {
    clearTimeout(this.#timer);
    for (let item = this.#items.pop(); item !== undefined; item = this.#items.pop()) this.#act(item);
    this.#onDone();
  }

  /** Acts for the slot that has come, and for those after it whose moments have come as well: slots may be very short. */
  #proceed(): void {
    let waitMs = 0;
    while (waitMs <= 0) {
      if (!this.#actOnce()) {
        this.#onDone();
        return;
      }
      this.#slot += 1;
      const momentMs = (this.#slot + this.#random()) * this.#slotMs;
      waitMs = this.#startedAt + momentMs - performance.now();
    }
    if (this.#items.length === 0) this.#onDone();
    else this.#timer = setTimeout(() => this.#proceed(), waitMs);
  }

  /** Returns false where nothing was left to act for. */
  #actOnce(): boolean {
    for (let item = this.#items.pop(); item !== undefined; item = this.#items.pop()) {
      if (this.#act(item)) return true;
    }
    return false;
  }
}
