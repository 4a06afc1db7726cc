import type { Histories } from "./histories.ts";
import type { History } from "./history.ts";

/** What is known of what processes have said in a room. */
export class Memory {
  /** What the process has said of the room, as the text of a JSON object. */
  metadata: string | undefined;
  readonly history: History | undefined;
  readonly #histories: Histories | undefined;
  readonly #room: string;

  constructor(histories: Histories | undefined, room: string) {
    this.#histories = histories;
    this.#room = room;
    this.history = histories?.open(room);
  }

  /** What goes with a process goes now; its history may persist. */
  endProcess(): void {
    this.metadata = undefined;
    if (this.history !== undefined) this.#histories?.endProcess(this.history);
  }

  /** The room is gone. */
  close(): void {
    if (this.history !== undefined) this.#histories?.close(this.#room, this.history);
  }
}
