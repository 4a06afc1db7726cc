/** The first byte of a frame that is a whole message (RFC 6455 section 5.2). */
export const finalText = 0x81;
export const finalBinary = 0x82;

/** What stands in the second byte in place of a length that needs 2 bytes more, or 8. */
export const mediumMark = 126;
export const longMark = 127;

const longUnit = 2 ** 32;

/** The length that stands behind the first two bytes of a frame, in 2 bytes or in 8 (RFC 6455 section 5.2). */
export function longLength(bytes: Buffer, at: number, extraBytes: number): number {
  if (extraBytes === 2) return bytes.readUInt16BE(at);
  return bytes.readUInt32BE(at) * longUnit + bytes.readUInt32BE(at + 4);
}

/** Unmasks in place, with the key that stands right before the payload (RFC 6455 section 5.3). */
export function unmask(bytes: Buffer, start: number, end: number): void {
  const key0 = bytes[start - 4] as number;
  const key1 = bytes[start - 3] as number;
  const key2 = bytes[start - 2] as number;
  const key3 = bytes[start - 1] as number;
  let at = start;
  for (const lastWhole = end - 3; at < lastWhole; at += 4) {
    bytes[at] = (bytes[at] as number) ^ key0;
    bytes[at + 1] = (bytes[at + 1] as number) ^ key1;
    bytes[at + 2] = (bytes[at + 2] as number) ^ key2;
    bytes[at + 3] = (bytes[at + 3] as number) ^ key3;
  }
  if (at < end) bytes[at] = (bytes[at] as number) ^ key0;
  if (at + 1 < end) bytes[at + 1] = (bytes[at + 1] as number) ^ key1;
  if (at + 2 < end) bytes[at + 2] = (bytes[at + 2] as number) ^ key2;
}
