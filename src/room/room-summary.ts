/** What is told of a room that is open. Plain data. */
export interface RoomSummary {
  readonly name: string;
  /** Clients that are in now. */
  readonly connections: number;
  /** Clients that have come in since the room was opened. */
  readonly joined: number;
  /** What the room's process has said of it, as the text of a JSON object. */
  readonly metadata: string | undefined;
}
