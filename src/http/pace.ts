/** Lets few things begin in each turn of the event loop, in order, however many there are to do at once. */
export class Pace {
  readonly #mostInTurn: number;
  readonly #waiting: (() => void)[] = [];
  #begun = 0;

  constructor(mostInTurn: number) {
    this.#mostInTurn = mostInTurn;
  }

  /** Calls at once, or in a later turn where enough was begun in this one. */
  begin(action: () => void): void {
    if (this.#begun === 0) this.#planNextTurn();
    if (this.#begun === this.#mostInTurn) {
      this.#waiting.push(action);
      return;
    }
    this.#begun += 1;
    action();
  }

  /** Resolves when it is one's turn. */
  async turn(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.begin(resolve);
    });
  }

  #planNextTurn(): void {
    setImmediate(() => {
      this.#begun = 0;
      for (const action of this.#waiting.splice(0, this.#mostInTurn)) this.begin(action);
    });
  }
}
