/** The rooms, as one of them sees them. */
export interface RoomOwner {
  /** How long a process lives on without clients; 0 as soon as none can come back. */
  readonly lingerMs: number;

  /** Nobody is in the room or on the way, and no process is left. */
  onEmpty(room: string): void;
}
