import { RefusedError } from "../errors.ts";
import type { Identity } from "../join-request.ts";

/** What somebody has shown to be allowed. */
export interface Grant {
  readonly identity: Identity;
  /** The rooms that they may go to; null is all of them. */
  readonly rooms: ReadonlySet<string> | null;
}

const everywhere = "*";
const maxUserBytes = 256;

/** What would be cut short, or read as something else, in an environment, a line or a terminal. */
// Control characters are what it is to find.
// oxlint-disable-next-line no-control-regex
const unusable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]|\p{Surrogate}/u;

/** Why nobody can have this name, undefined where somebody can. The name itself is not in it. */
export function userFault(user: string): string | undefined {
  if (Buffer.byteLength(user) > maxUserBytes) return `a user's name is longer than ${maxUserBytes} bytes`;
  return unusable.test(user) ? "a user's name holds control characters" : undefined;
}

/** Reads what names rooms: a name, a list of them, or `*` for all; undefined where it is none of these. */
export function parseRooms(value: unknown): Grant["rooms"] | undefined {
  const names: unknown = typeof value === "string" ? [value] : value;
  if (!Array.isArray(names) || !names.every((name) => typeof name === "string")) return undefined;
  return names.includes(everywhere) ? null : new Set(names);
}

/** @throws RefusedError 403 where the room is none of those that the grant is for. */
export function checkRoom({ rooms }: Grant, room: string): void {
  if (rooms === null || rooms.has(room)) return;
  throw new RefusedError(403, "this room is not yours to enter");
}
