/** Smaller ones are parts of a buffer of Node's. */
const smallestBytes = 4 * 1024;

/** As much is kept at most. */
const maxKeptBytes = 4 * 1024 * 1024;
const maxKept = 64;

/** What is kept, for all who write in this process; what was given back last is the last. */
const kept: Buffer[] = [];
let keptBytes = 0;

/** What was taken and is not given back. */
const taken = new WeakSet<ArrayBufferLike>();

/**
 * A buffer of at least so many bytes with anything in them: one that was given back and is no longer than `most`, or a new
 * one. Each would be garbage after one use otherwise, of which V8 gathers 32 MiB before it looks for it.
 */
export function takeBuffer(least: number, most: number): Buffer {
  if (least < smallestBytes) return Buffer.allocUnsafe(least);
  const buffer = takeKept(least, most) ?? Buffer.allocUnsafeSlow(least);
  taken.add(buffer.buffer);
  return buffer;
}

/** Whether it is of use to give these bytes back. */
export function canBeGivenBack(bytes: Buffer): boolean {
  // Most are short. To ask such a one for its `buffer` has V8 make an object of that, for each message.
  if (bytes.length < smallestBytes / 2) return false;
  return bytes.buffer.byteLength <= maxKeptBytes && taken.has(bytes.buffer);
}

/**
 * Gives back the whole buffer from `takeBuffer` that these bytes are a part of, once nobody needs any part of it. One from
 * elsewhere, or of which this is less than 2 KiB, is left alone.
 */
export function giveBackBuffer(bytes: Buffer): void {
  if (!canBeGivenBack(bytes)) return;
  const { buffer } = bytes;
  taken.delete(buffer);
  kept.push(Buffer.from(buffer));
  keptBytes += buffer.byteLength;
  while (keptBytes > maxKeptBytes || kept.length > maxKept) keptBytes -= kept.shift()?.length ?? 0;
}

function takeKept(least: number, most: number): Buffer | undefined {
  const index = kept.findLastIndex(({ length }) => length >= least && length <= most);
  if (index === -1) return undefined;
  const [buffer] = kept.splice(index, 1);
  keptBytes -= buffer?.length ?? 0;
  return buffer;
}
