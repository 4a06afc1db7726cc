import type { RoomContext } from "./room-context.ts";

/** "lingering": the process runs without clients; "waiting": clients are there, and their next process is to come. */
export type RoomState = "starting" | "running" | "lingering" | "stopping" | "waiting" | "stopped";

type Notices = Pick<RoomContext, "joinMessage" | "leaveMessage">;

/** Whether who joins is not announced yet: not to a process that ends, nor on top of too much that waits for it. */
export function mustWait(state: RoomState, isFull: boolean, { joinMessage, leaveMessage }: Notices): boolean {
  if (state === "stopping") return true;
  const isRunning = state === "running" || state === "lingering";
  // A process that is told of nobody may have listeners without ever reading.
  return isFull && (!isRunning || joinMessage !== undefined || leaveMessage !== undefined);
}
