import { EventEmitter, once } from "node:events";
import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Hasher } from "../../../src/access/hash-thread.ts";
import { Passwords } from "../../../src/access/passwords.ts";
import type { RefusedError } from "../../../src/errors.ts";
import { FakeLogger } from "../../helpers/fakes.ts";
import { basic } from "../../helpers/passwords.ts";
import { type TempFolder, tempFolder } from "../../helpers/temp-folder.ts";
import { until } from "../../helpers/until.ts";

const hashes = ["a", "b"].map((letter) => `$2y$05$${letter.repeat(53)}`) as [string, string];
const users = `ann:${hashes[0]}\nbob:${hashes[1]}\n`;

/** Finds that "right" fits to everything, and keeps what it was asked. */
class FakeHasher implements Hasher {
  readonly asked: string[] = [];
  isBroken = false;
  /** When it answers. */
  time: Promise<unknown> = Promise.resolve();

  async verify(hash: string, password: string): Promise<boolean> {
    this.asked.push(hash);
    await this.time;
    if (this.isBroken) throw new Error("out of memory");
    return password === "right";
  }

  async close(): Promise<void> {}
}

async function open(folder: TempFolder, hasher: FakeHasher, logger = new FakeLogger()): Promise<Passwords> {
  writeFileSync(folder.at("users"), users);
  return Passwords.open(folder.at("users"), hasher, logger);
}

async function statusOf(passwords: Passwords, user: string, password: string, address = "1"): Promise<number> {
  try {
    const { identity } = await passwords.check(basic(user, password).headers.Authorization, address);
    expect(identity).toEqual({ user, authType: "Basic", expiresAtMs: null });
    return 200;
  } catch (error) {
    return (error as RefusedError).status;
  }
}

test("who is no user costs a hash as well, always the same for one name, and never comes in", async () => {
  await using folder = await tempFolder();
  const hasher = new FakeHasher();
  const passwords = await open(folder, hasher);
  for (let tries = 0; tries < 3; tries += 1) expect(await statusOf(passwords, "eve", "right")).toBe(401);
  expect(hasher.asked.length).toBe(3);
  expect(new Set(hasher.asked).size).toBe(1);
  expect(hashes).toContain(hasher.asked[0]);
  // Names are spread over the hashes that there are, as those of users are.
  for (let name = 0; name < 50; name += 1) await statusOf(passwords, `eve-${name}`, "right");
  expect(new Set(hasher.asked)).toEqual(new Set(hashes));
});

test("what fits is hashed once, what does not fit each time", async () => {
  await using folder = await tempFolder();
  const hasher = new FakeHasher();
  const passwords = await open(folder, hasher);
  for (let tries = 0; tries < 3; tries += 1) expect(await statusOf(passwords, "ann", "right")).toBe(200);
  expect(hasher.asked).toEqual([hashes[0]]);
  for (let tries = 0; tries < 3; tries += 1) expect(await statusOf(passwords, "ann", "wrong")).toBe(401);
  expect(hasher.asked.length).toBe(4);
  expect(await statusOf(passwords, "bob", "right")).toBe(200);
  expect(hasher.asked.length).toBe(5);
});

test("the same question at the same time is asked once", async () => {
  await using folder = await tempFolder();
  const hasher = new FakeHasher();
  const passwords = await open(folder, hasher);
  const statuses = await Promise.all(Array.from({ length: 100 }, () => statusOf(passwords, "ann", "right")));
  expect(new Set(statuses)).toEqual(new Set([200]));
  expect(hasher.asked.length).toBe(1);
});

test("a few questions may wait from one address, and somewhat more from all", async () => {
  await using folder = await tempFolder();
  const hasher = new FakeHasher();
  const passwords = await open(folder, hasher);
  const guess = (address: string, number: number): Promise<number> =>
    statusOf(passwords, "ann", `wrong ${number}`, address);
  const ofOne = Array.from({ length: 20 }, (_each, number) => guess("1", number));
  const ofOther = guess("2", 99);
  expect((await Promise.all(ofOne)).filter((status) => status === 503).length).toBe(4);
  expect(await ofOther).toBe(401);
  const ofMany = Array.from({ length: 80 }, (_each, number) => guess(`${number}`, 100 + number));
  expect((await Promise.all(ofMany)).filter((status) => status === 503).length).toBe(15);
  expect(await guess("1", 200)).toBe(401);
});

test("all addresses of one /64 of IPv6 count as one, since one customer has them all", async () => {
  await using folder = await tempFolder();
  const passwords = await open(folder, new FakeHasher());
  const guesses = Array.from({ length: 20 }, (_each, number) =>
    statusOf(passwords, "ann", `wrong ${number}`, `2001:db8::${number}`),
  );
  const ofOther = statusOf(passwords, "ann", "right", "2001:db8:0:1::1");
  expect((await Promise.all(guesses)).filter((status) => status === 503).length).toBe(4);
  expect(await ofOther).toBe(200);
});

test("a hash that cannot be computed lets nobody in", async () => {
  await using folder = await tempFolder();
  const hasher = new FakeHasher();
  const logger = new FakeLogger();
  const passwords = await open(folder, hasher, logger);
  hasher.isBroken = true;
  expect(await statusOf(passwords, "ann", "right")).toBe(503);
  expect(logger.lines).toEqual(["error a password cannot be checked: out of memory"]);
  hasher.isBroken = false;
  expect(await statusOf(passwords, "ann", "right")).toBe(200);
});

test("once closed nothing more is hashed, and what is given up is no fault", async () => {
  await using folder = await tempFolder();
  const hasher = new FakeHasher();
  const logger = new FakeLogger();
  const passwords = await open(folder, hasher, logger);
  const clock = new EventEmitter();
  hasher.time = once(clock, "end");
  const asking = [statusOf(passwords, "ann", "right"), statusOf(passwords, "bob", "right")];
  await until(() => hasher.asked.length === 1, "the first one to be hashed");
  await passwords.close();
  hasher.isBroken = true;
  clock.emit("end");
  expect(await Promise.all(asking)).toEqual([503, 503]);
  expect(await statusOf(passwords, "eve", "right")).toBe(503);
  expect(hasher.asked).toHaveLength(1);
  expect(logger.lines).toEqual([]);
});

test("the file is read again: who is gone from it does not come in, and a broken one changes nothing", async () => {
  await using folder = await tempFolder();
  const hasher = new FakeHasher();
  const passwords = await open(folder, hasher);
  expect(await statusOf(passwords, "ann", "right")).toBe(200);
  writeFileSync(folder.at("users"), "ann:plain\n");
  await expect(passwords.reload()).rejects.toThrow("users:1: expected bcrypt");
  expect(await statusOf(passwords, "ann", "right")).toBe(200);
  expect(hasher.asked.length).toBe(1);
  // Another hash is another password, even if it were the same.
  writeFileSync(folder.at("users"), `ann:${hashes[1]}\n`);
  await passwords.reload();
  expect(await statusOf(passwords, "ann", "right")).toBe(200);
  expect(hasher.asked.length).toBe(2);
  writeFileSync(folder.at("users"), `bob:${hashes[1]}\n`);
  await passwords.reload();
  expect(await statusOf(passwords, "ann", "right")).toBe(401);
});
