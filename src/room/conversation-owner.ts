/** The room, as its conversation sees it. */
export interface ConversationOwner {
  /** Output cannot be read on from, for this reason; nothing is delivered after it. */
  onFault(fault: string): void;

  /** The process says of the room what stands in this JSON object. */
  onMetadata(text: string): void;

  /** No more waits for the process than should. */
  onProcessCaughtUp(): void;
}
