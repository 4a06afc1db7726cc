/** What one client got: messages numbered from 0, all of one size. Notes the first that is not as it should be. */
export class Ledger {
  readonly #client: string;
  readonly #size: number;
  #due = 0;
  #received = 0;
  #problem: string | undefined;

  constructor(client: string, size: number) {
    this.#client = client;
    this.#size = size;
  }

  take(number: number, size: number): void {
    if (number !== this.#due || size !== this.#size) this.#note(number, size);
    this.#due = number + 1;
    this.#received += 1;
  }

  /** What is wrong with what came, in words; undefined where it is just these messages. */
  problem(messages: number): string | undefined {
    if (this.#problem !== undefined) return this.#problem;
    if (this.#received === messages) return undefined;
    return `${this.#client} got ${this.#received} of ${messages} messages`;
  }

  #note(number: number, size: number): void {
    this.#problem ??= `${this.#client} got message ${number} (${size} bytes) where ${this.#due} (${this.#size} bytes) was due`;
  }
}
