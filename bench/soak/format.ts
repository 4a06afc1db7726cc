import type { Holdings } from "../observed/observed-server.ts";
import { openDescriptors, residentBytes } from "../server/proc.ts";
import type { Mix } from "./mix.ts";

/** One line of figures about a soak under way. */
export function formatProgress(elapsedMs: number, mix: Mix, serverPid: number): string {
  const rooms = new Set([...mix.clients].map(({ room }) => room));
  const closings = [...mix.closings].map(([code, count]) => `${code}: ${count}`).toSorted((a, b) => a.localeCompare(b));
  return [
    `${Math.round(elapsedMs / 1000)} s`.padStart(7),
    `${mix.clients.size} clients in ${rooms.size} rooms`,
    `${mix.joined} joined`,
    `${mix.lines} lines`,
    `closed ${closings.join(", ")}`,
    `${openDescriptors(serverPid)} descriptors`,
    mebibytes(residentBytes(serverPid)),
  ].join(" | ");
}

/** What a server holds on to, in one line. */
export function formatHoldings(when: string, holdings: Holdings): string {
  return (
    `${when}: ${holdings.descriptors} descriptors, heap ${mebibytes(holdings.heapBytes)}, ` +
    `buffers ${mebibytes(holdings.bufferBytes)}, resident ${mebibytes(holdings.residentBytes)}`
  );
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
