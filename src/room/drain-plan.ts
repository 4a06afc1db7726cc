import { closeCodes } from "../close-codes.ts";

/** How rooms are closed when their server stops. Plain data. */
export interface DrainPlan {
  /** What clients are closed with. */
  readonly code: number;
  readonly reason: string;
  /** Over how long rooms are closed, one after the other; 0 is all at once. */
  readonly spreadMs: number;
}

/** All rooms at once. */
export const drainAtOnce: DrainPlan = {
  code: closeCodes.goingAway.code,
  reason: "server is shutting down",
  spreadMs: 0,
};

/** What a drain of so many rooms is going to be, for the log. */
export function describeDrain(rooms: number, { spreadMs }: DrainPlan): string {
  return `closing ${rooms} rooms over at most ${spreadMs / 1000} s`;
}
