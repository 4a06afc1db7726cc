const maxKept = 50;

/** What was not as it should be. */
export class Violations {
  readonly #kept: string[] = [];
  #count = 0;

  add(text: string): void {
    this.#count += 1;
    if (this.#kept.length < maxKept) this.#kept.push(text);
  }

  get count(): number {
    return this.#count;
  }

  /** The first of them. */
  get texts(): readonly string[] {
    return this.#kept;
  }

  toString(): string {
    const unsaid = this.#count - this.#kept.length;
    return [...this.#kept, ...(unsaid > 0 ? [`and ${unsaid} more`] : [])].map((text) => `violated: ${text}\n`).join("");
  }
}
