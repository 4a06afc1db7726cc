import type { TLSSocket } from "node:tls";
import type { Endpoints } from "../system/endpoints.ts";

/** Whether what the client says comes through TLS. */
export function isEncrypted(socket: Endpoints): boolean {
  return (socket as Partial<TLSSocket>).encrypted === true;
}

/** The subject of the certificate that the client has shown to be its own (RFC 4514), empty without one. */
export function tlsSubjectOf(socket: Endpoints): string {
  const { authorized } = socket as Partial<TLSSocket>;
  if (authorized !== true) return "";
  return toDistinguishedName((socket as TLSSocket).getPeerX509Certificate()?.subject ?? "");
}

/**
 * Node has a line for each part of a subject, the most general one first, and has escaped the values already. Where a part
 * has several values, a plus with spaces stands between them; one in a value is escaped.
 */
export function toDistinguishedName(lines: string): string {
  const parts = lines.split("\n").filter((line) => line !== "");
  return parts.toReversed().join(",").replaceAll(" + ", "+");
}
