// Reads messages in the strict mode of gwsocket and writes what is in them, as it is.
import { writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const headerBytes = 12;
let input = Buffer.alloc(0);
for await (const chunk of process.stdin) {
  input = Buffer.concat([input, chunk]);
  while (input.length >= headerBytes) {
    const end = headerBytes + input.readUInt32BE(8);
    if (input.length < end) break;
    writeSync(1, input.subarray(headerBytes, end));
    input = input.subarray(end);
    // So that what is read from the pipe is cut where the messages are.
    // oxlint-disable-next-line no-await-in-loop
    await sleep(20);
  }
}
