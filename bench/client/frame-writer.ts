/** First bytes of frames that are whole messages, or control frames (RFC 6455 section 5.2). */
export const frames = { text: 0x81, binary: 0x82, close: 0x88, ping: 0x89, pong: 0x8a } as const;

const mask = Buffer.of(0x5a, 0xc3, 0x69, 0x1e);
const maskedBit = 0x80;
const maxHeaderBytes = 14;

/** One frame of a client. All have the same mask: what is on the way is nobody's secret, and the server's work is the same. */
export function clientFrame(firstByte: number, payload: Buffer | string): Buffer {
  return clientFrames(firstByte, [payload]);
}

/** Frames of a client one behind the other, to be written at once. */
export function clientFrames(firstByte: number, payloads: Iterable<Buffer | string>): Buffer {
  const buffers = Array.from(payloads, (payload) => Buffer.from(payload));
  const bytes = Buffer.allocUnsafe(buffers.reduce((sum, { length }) => sum + length + maxHeaderBytes, 0));
  let at = 0;
  for (const payload of buffers) {
    at = writeHeader(bytes, at, firstByte, payload.length);
    maskInto(bytes, at, payload);
    at += payload.length;
  }
  return bytes.subarray(0, at);
}

/** Masks a payload at the place that it has in its frame. */
function maskInto(target: Buffer, offset: number, payload: Buffer): void {
  for (let at = 0; at < payload.length; at += 1) {
    target[offset + at] = (payload[at] as number) ^ (mask[at & 3] as number);
  }
}

function writeHeader(target: Buffer, offset: number, firstByte: number, length: number): number {
  let at = target.writeUInt8(firstByte, offset);
  if (length < 126) {
    at = target.writeUInt8(maskedBit | length, at);
  } else if (length < 65_536) {
    at = target.writeUInt16BE(length, target.writeUInt8(maskedBit | 126, at));
  } else {
    at = target.writeBigUInt64BE(BigInt(length), target.writeUInt8(maskedBit | 127, at));
  }
  return at + mask.copy(target, at);
}
