import { constants } from "node:fs";
import { open } from "node:fs/promises";

const maxBytes = 4 * 1024 * 1024;

/** Reads a file of at most 4 MiB, and nothing that could be waited for or never end, such as a pipe or a device. */
export async function readRegularFile(path: string): Promise<Buffer> {
  // Without O_NONBLOCK a named pipe is waited for until somebody writes to it.
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const stats = await file.stat();
  if (!stats.isFile()) throw new Error("not a regular file");
  if (stats.size > maxBytes) throw new Error("larger than 4 MiB");
  return file.readFile();
}
