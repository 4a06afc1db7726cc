import { execFileSync } from "node:child_process";
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { expect, test } from "vitest";
import { KeyFile } from "../../../src/access/key-file.ts";
import { tempFolder } from "../../helpers/temp-folder.ts";
import { createSigner } from "../../helpers/tokens.ts";

test("a file of keys is read again, and a broken one keeps the keys of before", async () => {
  await using folder = await tempFolder();
  const path = folder.at("keys");
  const write = (content: unknown): void => writeFileSync(path, JSON.stringify(content));
  write({ ...createSigner("ES256").jwk, kid: "old" });
  const file = await KeyFile.open(path);
  expect(file.find("ES256", "old")?.kid).toBe("old");
  write({ keys: [] });
  await expect(file.reload()).rejects.toThrow(`--auth-jwt-key: ${path}: holds no key for`);
  expect(file.find("ES256", "old")?.kid).toBe("old");
  write({ ...createSigner("ES256").jwk, kid: "new" });
  await file.reload();
  expect(file.find("ES256", "old")).toBe(undefined);
  expect(file.find("ES256", "new")?.kid).toBe("new");
});

test("a key is found only where there is no doubt which", async () => {
  await using folder = await tempFolder();
  const path = folder.at("keys");
  const [a, b, nameless] = [createSigner("ES256"), createSigner("ES256"), createSigner("RS256")];
  writeFileSync(path, JSON.stringify({ keys: [{ ...a.jwk, kid: "a" }, { ...b.jwk, kid: "b" }, nameless.jwk] }));
  const file = await KeyFile.open(path);
  expect(file.find("ES256", "b")?.kid).toBe("b");
  expect(file.find("RS256", "any")?.algorithm).toBe("RS256");
  expect(file.find("RS256", undefined)?.algorithm).toBe("RS256");
  expect(file.find("ES256", undefined)).toBe(undefined);
  expect(file.find("ES256", "c")).toBe(undefined);
  expect(file.find("RS256", "a")?.algorithm).toBe("RS256");
  expect(file.find("none", "a")).toBe(undefined);
});

test("no more than 4 MiB are read", async () => {
  await using folder = await tempFolder();
  const large = folder.at("large");
  writeFileSync(large, Buffer.alloc(4 * 1024 * 1024 + 1));
  for (const path of [large, "/dev/zero"]) {
    await expect(KeyFile.open(path)).rejects.toThrow(`--auth-jwt-key: cannot read ${path}: larger than 4 MiB`);
  }
  await expect(KeyFile.open(folder.path)).rejects.toThrow(`--auth-jwt-key: cannot read ${folder.path}: EISDIR`);
});

test("a pipe is read to its end, and given up where nothing comes", async () => {
  await using folder = await tempFolder();
  const path = folder.at("pipe");
  execFileSync("mkfifo", [path]);
  const writer = openSync(path, "r+");
  await expect(KeyFile.open(path)).rejects.toThrow(`--auth-jwt-key: cannot read ${path}: not at its end after 5 s`);
  const reading = KeyFile.open(path);
  writeSync(writer, JSON.stringify(createSigner("ES256").jwk));
  closeSync(writer);
  expect((await reading).find("ES256", undefined)?.algorithm).toBe("ES256");
});
