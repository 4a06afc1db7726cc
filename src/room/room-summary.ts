/** What is told of a room that is open. Plain data. */
export interface RoomSummary {
  readonly name: string;
  /** Clients that are in now. */
  readonly connections: number;
  /** Clients that have come in since the room was opened. */
  readonly joined: number;
}
