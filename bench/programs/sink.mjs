// Reads so many numbered lines of so many clients, checks that those of each come in order, and says that it is done.
import { read, waitFor, write } from "./conversation.mjs";

const [clients, messages, size] = process.argv.slice(2).map(Number);
const newline = 0x0a;
const input = Buffer.allocUnsafe(1024 * 1024);
const due = new Uint32Array(clients);
let kept = 0;
waitFor('PREPARE;"}\n');
write(Buffer.from("READY\n"));
for (let missing = clients * messages; missing > 0;) {
  const length = read(input, kept);
  if (length === 0) process.exit();
  missing -= takeLines(kept + length);
}
write(Buffer.from(`DONE ${clients * messages}\n`));
waitFor("the end");

/** Checks all whole lines of the buffer, moves the rest to its beginning and returns how many lines there were. */
function takeLines(end) {
  let lines = 0;
  let at = 0;
  for (;;) {
    const next = input.indexOf(newline, at);
    if (next === -1 || next >= end) break;
    check(at, next);
    lines += 1;
    at = next + 1;
  }
  input.copy(input, 0, at, end);
  kept = end - at;
  return lines;
}

function check(start, end) {
  const space = input.indexOf(0x20, start);
  const client = decimal(start, space);
  const number = decimal(space + 1, input.indexOf(0x20, space + 1));
  if (due[client] !== number || end - start !== size) {
    write(Buffer.from(`client ${client}: message ${number} of ${end - start} bytes where ${due[client]} was due\n`));
    process.exit();
  }
  due[client] += 1;
}

function decimal(start, end) {
  let value = 0;
  for (let at = start; at < end; at += 1) value = value * 10 + input[at] - 0x30;
  return value;
}
