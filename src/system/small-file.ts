import { constants, createReadStream, fstatSync, openSync } from "node:fs";
import { Socket } from "node:net";
import type { Readable } from "node:stream";

const maxBytes = 4 * 1024 * 1024;
const pipeTimeoutMs = 5000;

/** Reads a file of at most 4 MiB. It may be a pipe, such as `<(...)` of a shell makes, which is read for 5 s at most. */
export async function readSmallFile(path: string): Promise<Buffer> {
  // Otherwise a named pipe would be waited for until somebody writes to it.
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const isPipe = fstatSync(descriptor).isFIFO();
  const stream = isPipe ? openPipe(descriptor) : createReadStream(path, { fd: descriptor, end: maxBytes });
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length > maxBytes) throw new Error("larger than 4 MiB");
  }
  return Buffer.concat(chunks);
}

function openPipe(descriptor: number): Readable {
  const socket = new Socket({ fd: descriptor, readable: true, writable: false });
  const giveUp = (): void => void socket.destroy(new Error(`not at its end after ${pipeTimeoutMs / 1000} s`));
  const timer = setTimeout(giveUp, pipeTimeoutMs);
  return socket.once("close", () => clearTimeout(timer));
}
