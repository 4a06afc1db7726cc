import type { Client } from "../client/client.ts";
import { Dialer } from "../client/dialer.ts";
import { clientFrame } from "../client/frame-writer.ts";
import type { Violations } from "../observed/violations.ts";
import type { Configuration } from "./configurations.ts";

const sayEveryMs = 20;
/** No room that fuzzing names can be this one: its name is put together of nothing that is sent. */
const room = "Kq7-untouched";

/** A well-behaved client in a room of its own: whatever others do, it hears its own words, each once and in order. */
export class Innocent {
  readonly #configuration: Configuration;
  readonly #violations: Violations;
  readonly #client: Client;
  #said = 0;
  #heard = 0;
  #timer: NodeJS.Timeout | undefined;
  #isLeaving = false;

  constructor(host: string, port: number, configuration: Configuration, violations: Violations) {
    this.#configuration = configuration;
    this.#violations = violations;
    const { prefix, headers } = configuration;
    this.#client = new Dialer(host, port, headers).dial(`${prefix}/${room}`);
    this.#client.onMessage = (bytes, start, end) => this.#onMessage(bytes.toString("utf8", start, end));
    this.#client.onClose = ({ code, reason, fault }) => {
      clearInterval(this.#timer);
      if (!this.#isLeaving) violations.add(`the innocent client was closed: ${fault ?? `${code} ${reason}`}`);
    };
  }

  /** Resolves when it is in and has begun to talk. @throws where it is not let in. */
  async start(): Promise<void> {
    await this.#client.opened;
    this.#timer = setInterval(() => this.say(), sayEveryMs);
  }

  say(): void {
    this.#said += 1;
    this.#client.write(clientFrame(this.#configuration.opcode, this.#configuration.say(this.#said)));
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Whether it has heard all it said. */
  get hasHeardAll(): boolean {
    return this.#heard === this.#said;
  }

  get progress(): string {
    return `${this.#heard} of ${this.#said} words heard`;
  }

  leave(): void {
    this.stop();
    this.#isLeaving = true;
    this.#client.close();
  }

  #onMessage(text: string): void {
    const heard = this.#numberIn(text);
    if (heard === undefined) return;
    if (heard === this.#heard + 1) this.#heard = heard;
    else this.#violations.add(`the innocent client heard ${JSON.stringify(text.slice(0, 200))} after ${this.#heard}`);
  }

  #numberIn(text: string): number | undefined {
    try {
      return this.#configuration.heard(text);
    } catch {
      return Number.NaN;
    }
  }
}
