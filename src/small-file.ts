import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const maxBytes = 4 * 1024 * 1024;
/** How long a pipe may have nothing to say before its end. */
const pipeTimeoutMs = 5000;
const pollMs = 20;

/**
 * Reads a file of at most 4 MiB. It may be a pipe, such as `<(...)` of a shell makes; one that nobody writes to is waited for no
 * longer than 5 s, and does not hold a thread of the pool meanwhile.
 */
export async function readSmallFile(path: string): Promise<Buffer> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const bytes = Buffer.alloc(maxBytes + 1);
  let length = 0;
  let waitedMs = 0;
  for (;;) {
    let read: number;
    try {
      ({ bytesRead: read } = await file.read(bytes, length));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN" || waitedMs >= pipeTimeoutMs) throw error;
      await sleep(pollMs);
      waitedMs += pollMs;
      continue;
    }
    if (read === 0) return Buffer.from(bytes.subarray(0, length));
    length += read;
    if (length > maxBytes) throw new Error("larger than 4 MiB");
  }
}
