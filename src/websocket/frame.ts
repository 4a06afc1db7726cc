import type { WireFormat } from "../links.ts";

const finalText = 0x81;
const finalBinary = 0x82;
const longestShort = 125;
const longestMedium = 0xffff;
const mediumMark = 126;
const longMark = 127;

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
