import { closeSync, fstatSync, openSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { DescriptorPassing } from "../../../src/workers/descriptor-passing.ts";
import { maxUnderWay } from "../../../src/workers/messages.ts";

test("a descriptor comes out at the other end, and names the same file", () => {
  using channel = openChannel();
  const descriptor = openSync(import.meta.filename, "r");
  expect(channel.send(descriptor)).toBe(true);
  const { ino } = fstatSync(descriptor);
  closeSync(descriptor);
  const received = channel.receive() as number;
  expect(fstatSync(received).ino).toBe(ino);
  closeSync(received);
});

test("they come in the order in which they were sent, each once", () => {
  using channel = openChannel();
  const files = [import.meta.filename, import.meta.dirname, process.execPath];
  for (const file of files) {
    const descriptor = openSync(file, "r");
    channel.send(descriptor);
    closeSync(descriptor);
  }
  const received = files.map(() => channel.receive() as number);
  expect(received.map((descriptor) => fstatSync(descriptor).ino)).toEqual(files.map(inodeOf));
  expect(channel.receive()).toBeUndefined();
  for (const descriptor of received) closeSync(descriptor);
});

test("more may be under way than are ever sent, and beyond what the system takes nothing is lost", () => {
  using channel = openChannel();
  const descriptor = openSync(import.meta.filename, "r");
  let sent = 0;
  while (channel.send(descriptor)) sent += 1;
  expect(sent).toBeGreaterThan(maxUnderWay);
  for (let left = sent; left > 0; left -= 1) closeSync(channel.receive() as number);
  expect(channel.receive()).toBeUndefined();
  expect(channel.send(descriptor)).toBe(true);
  closeSync(channel.receive() as number);
  closeSync(descriptor);
});

test("nobody is given what is somebody else's", () => {
  using channel = openChannel();
  const descriptor = openSync(import.meta.filename, "r");
  for (const id of [4_294_967_295, 7, 8]) channel.send(descriptor, id);
  const first = channel.receive(4_294_967_295) as number;
  expect(fstatSync(first).ino).toBe(inodeOf(import.meta.filename));
  closeSync(first);
  const { length } = readdirSync("/proc/self/fd");
  const second = channel.receive(8) as number;
  expect(readdirSync("/proc/self/fd")).toHaveLength(length + 1);
  closeSync(second);
  expect(channel.receive(9)).toBeUndefined();
  closeSync(descriptor);
});

test("nothing is sent to an end that is closed", () => {
  const passing = new DescriptorPassing();
  const [ours, theirs] = passing.open();
  closeSync(theirs);
  expect(passing.send(ours, 0, 1)).toBe(false);
  closeSync(ours);
});

interface Channel extends Disposable {
  send(descriptor: number, id?: number): boolean;
  receive(id?: number): number | undefined;
}

function openChannel(): Channel {
  const passing = new DescriptorPassing();
  const [ours, theirs] = passing.open();
  return {
    send: (descriptor, id = 1) => passing.send(ours, descriptor, id),
    receive: (id = 1) => passing.receive(theirs, id),
    [Symbol.dispose]: () => [ours, theirs].forEach((end) => closeSync(end)),
  };
}

function inodeOf(file: string): number {
  const descriptor = openSync(file, "r");
  const { ino } = fstatSync(descriptor);
  closeSync(descriptor);
  return ino;
}
