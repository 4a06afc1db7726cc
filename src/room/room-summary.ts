/** What metrics tell of a room that is open. Plain data, and little of it: of all rooms it is told at once. */
export interface RoomFigures {
  readonly name: string;
  /** Clients that are in now. */
  readonly connections: number;
  /** Clients that have come in since the room was opened. */
  readonly joined: number;
}

/** What is told of a room that is open. Plain data. */
export interface RoomSummary extends RoomFigures {
  /** What the room's process has said of it, as the text of a JSON object. */
  readonly metadata: string | undefined;
}
