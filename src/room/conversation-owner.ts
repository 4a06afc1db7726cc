/** The room, as its conversation sees it. */
export interface ConversationOwner {
  /** Output cannot be read on from, for this reason; nothing is delivered after it. */
  onFault(fault: string): void;

  /** No more waits for the process than should. */
  onProcessCaughtUp(): void;
}
