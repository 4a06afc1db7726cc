import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import type { WireCompression, WireFormat } from "../links.ts";
import { frameFormat } from "./frame.ts";

/** The bit that says that a message is compressed (RFC 7692 section 6). */
export const compressedBit = 0x40;

/** What a flush leaves behind each message, which is not sent (RFC 7692 section 7.2.1). */
const trailer = Buffer.of(0x00, 0x00, 0xff, 0xff);

/** Nearly three times as fast as usual for long messages, and nearly as good. */
const deflateOptions = { level: constants.Z_BEST_SPEED, finishFlush: constants.Z_SYNC_FLUSH };

const compression: WireCompression = {
  // To compress costs 10 µs however little it is, and what is shorter than this fits into a packet anyway.
  minBytes: 256,
  // What is longer would hold up everyone else: at 190 MB a second this takes some 5 ms.
  maxBytes: 1024 * 1024,

  compress(payload, isBinary) {
    const deflated = deflateRawSync(payload, deflateOptions);
    const length = deflated.length - trailer.length;
    if (length >= payload.length) return undefined;
    const header = Buffer.alloc(frameFormat.maxHeaderBytes);
    const headerBytes = frameFormat.writeHeader(header, 0, isBinary, length);
    header[0] = (header[0] as number) | compressedBit;
    return Buffer.concat([header.subarray(0, headerBytes), deflated.subarray(0, length)]);
  },
};

/** Frames, and compressed ones for clients that have agreed on that. Each message stands for itself. */
export const compressingFormat: WireFormat = { ...frameFormat, compression };

/**
 * What a client has compressed. In one go, so that messages keep their order without further ado: 1 MiB takes some 2 ms.
 * @throws an error of zlib; its code is ERR_BUFFER_TOO_LARGE where there is more than may be.
 */
export function inflate(payload: Buffer, maxOutputLength: number): Buffer {
  const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength };
  return inflateRawSync(Buffer.concat([payload, trailer]), options);
}
