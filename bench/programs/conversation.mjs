// What the programs of the benchmarks share: blocking reads and writes, which are the cheapest.
import { readSync, writeSync } from "node:fs";

const input = Buffer.allocUnsafe(1024 * 1024);
const pause = new Int32Array(new SharedArrayBuffer(4));
let heard = "";

/** Reads what has come into the buffer from `offset` on, and returns how many bytes; 0 at the end of the input. */
export function read(buffer, offset = 0) {
  return retry(() => readSync(0, buffer, offset, buffer.length - offset, null));
}

/** Writes all of it. */
export function write(bytes) {
  for (let at = 0; at < bytes.length;) at += retry(() => writeSync(1, bytes, at));
}

/** Reads until this word has come, and returns all that has come so far. At the end of the input, so does the program. */
export function waitFor(word) {
  while (!heard.includes(word)) {
    const length = read(input);
    if (length === 0) process.exit();
    heard += input.toString("latin1", 0, length);
  }
  return heard;
}

/** Lets time pass. */
export function sleep(ms) {
  Atomics.wait(pause, 0, 0, ms);
}

/** A server may hand over ends that do not block. Where the other end is gone, so does the program. */
function retry(act) {
  for (;;) {
    try {
      return act();
    } catch (error) {
      if (error.code === "EPIPE") process.exit();
      if (error.code !== "EAGAIN") throw error;
      sleep(1);
    }
  }
}
