import { expect, test } from "vitest";
import { Reloads } from "../../src/reloadable.ts";
import { FakeLogger } from "../helpers/fakes.ts";

function reloadable(what: string, reload: () => Promise<void>) {
  return { what, reload };
}

test("everything is read again, and what cannot be stays out of the way of the others", async () => {
  const logger = new FakeLogger();
  const reloads = new Reloads(logger);
  const read: string[] = [];
  reloads.add(reloadable("passwords", async () => Promise.reject(new Error("no such file"))));
  reloads.add(reloadable("certificate", async () => void read.push("certificate")));
  await reloads.run();
  expect(read).toEqual(["certificate"]);
  expect(logger.lines.toSorted()).toEqual([
    "error cannot read again, and stays as it was: passwords: no such file",
    "info read again: certificate",
  ]);
});

test("where nothing can be read again the log says so", async () => {
  const logger = new FakeLogger();
  await new Reloads(logger).run();
  expect(logger.lines).toEqual(["info nothing to read again: no option names a file that could be"]);
});

test("calls while one is under way lead to one more, and never to two at a time", async () => {
  const reloads = new Reloads(new FakeLogger());
  const ends: (() => void)[] = [];
  reloads.add(reloadable("file", async () => new Promise((resolve) => void ends.push(resolve))));
  const first = reloads.run();
  await Promise.resolve();
  await Promise.resolve();
  expect(ends).toHaveLength(1);
  const later = [reloads.run(), reloads.run(), reloads.run()];
  expect(ends).toHaveLength(1);
  ends[0]?.();
  await first;
  await new Promise(setImmediate);
  expect(ends).toHaveLength(2);
  ends[1]?.();
  await Promise.all(later);
  expect(ends).toHaveLength(2);
});
