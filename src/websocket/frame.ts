import type { WireFormat } from "../links.ts";
import { finalBinary, finalText, longMark, mediumMark } from "./frame-bytes.ts";

const finalClose = 0x88;
const finalPing = 0x89;
const finalPong = 0x8a;
const longestShort = 125;
const longestMedium = 0xffff;

/** Frames from server to client are not masked, so each is the same for all clients (RFC 6455 section 5.2). */
export const frameFormat: WireFormat = {
  maxHeaderBytes: 10,

  writeHeader(target, offset, isBinary, length) {
    target[offset] = isBinary ? finalBinary : finalText;
    if (length <= longestShort) {
      target[offset + 1] = length;
      return offset + 2;
    }
    if (length <= longestMedium) {
      target[offset + 1] = mediumMark;
      target[offset + 2] = length >> 8;
      target[offset + 3] = length & 0xff;
      return offset + 4;
    }
    target[offset + 1] = longMark;
    target.writeBigUInt64BE(BigInt(length), offset + 2);
    return offset + 10;
  },
};

/** A ping that says nothing more. */
export const pingFrame: Buffer = Buffer.from([finalPing, 0]);

/** A close frame that gives no code: the answer to one like it (RFC 6455 section 5.5.1). */
export const emptyCloseFrame: Buffer = Buffer.from([finalClose, 0]);

/** The answer to a ping, whose payload it repeats. */
export function pongFrame(payload: Buffer): Buffer {
  return controlFrame(finalPong, payload);
}

/** A close frame; the reason must not be longer than 123 bytes. */
export function closeFrame(code: number, reason: string): Buffer {
  const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
  payload.writeUInt16BE(code);
  payload.write(reason, 2);
  return controlFrame(finalClose, payload);
}

function controlFrame(first: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([first, payload.length]), payload]);
}
