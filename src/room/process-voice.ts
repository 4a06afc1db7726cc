import type { ProcessEvents, ProcessExit } from "../links.ts";
import type { Conversation } from "./conversation.ts";

/** What the end of a process means to its room. */
export interface EndEvents {
  onEnding(): void;
  onEnd(exit: ProcessExit): void;
}

/** What one process says goes into its conversation, and its end to the room. */
export class ProcessVoice implements ProcessEvents {
  readonly #conversation: Conversation;
  readonly #room: EndEvents;

  constructor(conversation: Conversation, room: EndEvents) {
    this.#conversation = conversation;
    this.#room = room;
  }

  onChunk(chunk: Buffer): void {
    this.#conversation.deliver(chunk);
  }

  onErrorChunk(chunk: Buffer): void {
    this.#conversation.deliverErrors(chunk);
  }

  onWritable(): void {
    this.#conversation.onWritable();
  }

  onInputClosed(): void {
    this.#conversation.closeInput();
  }

  onEnding(): void {
    this.#room.onEnding();
  }

  onEnd(exit: ProcessExit): void {
    this.#room.onEnd(exit);
  }
}
