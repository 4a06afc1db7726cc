import type { Client, Closing } from "../client/client.ts";
import { clientFrames, frames } from "../client/frame-writer.ts";
import { serverLimits } from "./limits.ts";
import type { RoomKind } from "./room-kinds.ts";
import { StreamCheck } from "./stream-check.ts";

/** What a client has done that allows the server to close or cut it. */
type Conduct = "well-behaved" | "leaving" | "mute";

/** One client of the soak, what it is up to, and whether all that happens to it is right. */
export class SoakClient {
  readonly name: string;
  readonly room: string;
  readonly kind: RoomKind;
  readonly received = new StreamCheck();
  conduct: Conduct = "well-behaved";
  /** How many lines it has said so far. */
  said = 0;
  #client: Client | undefined;
  #stalledAtMs: number | undefined;
  #wakeAtMs = Number.POSITIVE_INFINITY;
  #longestStallMs = 0;
  #conductSinceMs = performance.now();

  constructor(name: string, room: string, kind: RoomKind) {
    this.name = name;
    this.room = room;
    this.kind = kind;
  }

  open(client: Client): void {
    this.#client = client;
  }

  get isStalled(): boolean {
    return this.#stalledAtMs !== undefined;
  }

  /** How long it has behaved as it does. */
  get conductMs(): number {
    return performance.now() - this.#conductSinceMs;
  }

  /** Says so many numbered lines, which are echoed in rooms that echo. */
  say(count: number, size: number): void {
    const first = this.said + 1;
    this.said += count;
    const lines = Array.from({ length: count }, (_, index) => `${this.name} ${first + index} `.padEnd(size, "x"));
    this.#client?.write(clientFrames(frames.text, lines));
  }

  /** Asks the program for so many lines. */
  ask(count: number): void {
    this.#client?.sendText(`more ${count}`);
  }

  /** Stops reading for so long. */
  stall(forMs: number): void {
    this.#stalledAtMs = performance.now();
    this.#wakeAtMs = this.#stalledAtMs + forMs;
    this.#client?.pause();
  }

  wakeWhenDue(): void {
    if (performance.now() >= this.#wakeAtMs) this.wake();
  }

  wake(): void {
    if (this.#stalledAtMs === undefined) return;
    this.#longestStallMs = Math.max(this.#longestStallMs, performance.now() - this.#stalledAtMs);
    this.#stalledAtMs = undefined;
    this.#wakeAtMs = Number.POSITIVE_INFINITY;
    this.#client?.resume();
  }

  /** From now on it looks dead to the server, though its connection is there. */
  goMute(): void {
    this.#behave("mute");
    if (this.#client !== undefined) this.#client.answersPings = false;
  }

  /** Says goodbye; the server answers. */
  leave(): void {
    this.#behave("leaving");
    this.#client?.close();
  }

  /** Says goodbye and does not read for so long, so that the answer stands behind much else. */
  leaveUnread(forMs: number): void {
    this.leave();
    this.stall(forMs);
  }

  halfClose(): void {
    this.#behave("leaving");
    this.#client?.halfClose();
  }

  reset(): void {
    this.#behave("leaving");
    this.#client?.reset();
  }

  destroy(): void {
    this.#behave("leaving");
    this.#client?.destroy();
  }

  /** What is wrong about the way in which the server has closed the connection; undefined where nothing is. */
  judge({ code, reason, fault }: Closing): string | undefined {
    if (fault !== undefined) return fault;
    if (this.received.problem !== undefined) return this.received.problem;
    if (this.conduct === "leaving") return undefined;
    if (code !== undefined && code === this.kind.endCode) return this.#judgeEnd();
    const hasStalledTooLong = this.#longestStallMs >= serverLimits.slowTimeoutMs;
    if (hasStalledTooLong && (code === 4008 || code === undefined)) return undefined;
    if (this.conduct === "mute" && code === undefined) return undefined;
    const stall = `longest stall ${Math.round(this.#longestStallMs)} ms`;
    return `closed with ${code ?? "no code"} ${JSON.stringify(reason)} though ${this.conduct} (${stall})`;
  }

  /** All of the output comes before the close; who came behind its end gets nothing. */
  #judgeEnd(): string | undefined {
    const { isEnded, lines } = this.received;
    return isEnded || lines === 0 ? undefined : `closed at the end of its program without the last line, ${lines} came`;
  }

  #behave(conduct: Conduct): void {
    this.wake();
    this.conduct = conduct;
    this.#conductSinceMs = performance.now();
  }
}
