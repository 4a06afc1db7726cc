// Writes the bytes that its input names in hexadecimal digits: each line, or the field "hex" of a line in JSON.
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

for await (const line of createInterface({ input: process.stdin })) {
  const hex = line.startsWith("{") ? JSON.parse(line).hex : line;
  writeSync(1, Buffer.from(hex, "hex"));
  // So that what is read from the pipe is cut where the lines are.
  await sleep(20);
}
