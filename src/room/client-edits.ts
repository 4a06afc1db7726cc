import { ByteWriter } from "../framing/byte-writer.ts";
import type { Connection } from "./connection.ts";

/*
 * How what one client gets differs from what everyone gets. An edit is three numbers: how many common bytes stand before
 * it, then the start and the end of a private message; or, where the start is `leftOut`, the end of a common one that is
 * not for this client.
 */

export const numbersPerEdit = 3;
export const leftOut = -1;

/** One client's messages behind each other, where nothing is left out: cheaper than a list of many short pieces. */
export function insertionsOf(edits: readonly number[], source: Buffer): Buffer {
  if (edits.length === numbersPerEdit) return source.subarray(edits[1], edits[2]);
  const out = new ByteWriter();
  for (let at = 0; at < edits.length; at += numbersPerEdit) out.append(source, edits[at + 1], edits[at + 2]);
  return out.take();
}

/** Sends a client its own messages between slices of what everyone gets. Returns whether nobody needs the bytes any more. */
export function deliverEdited(
  connection: Connection,
  common: Buffer,
  commonMessages: number,
  source: Buffer,
  edits: readonly number[],
): boolean {
  const pieces: Buffer[] = [];
  let messages = commonMessages;
  let from = 0;
  for (let at = 0; at < edits.length; at += numbersPerEdit) {
    const before = edits[at] as number;
    const start = edits[at + 1] as number;
    const end = edits[at + 2] as number;
    if (before > from) pieces.push(common.subarray(from, before));
    if (start !== leftOut) pieces.push(source.subarray(start, end));
    messages += start === leftOut ? -1 : 1;
    from = start === leftOut ? end : before;
  }
  if (from < common.length) pieces.push(common.subarray(from));
  return pieces.length === 0 || connection.deliverAll(pieces, messages);
}
