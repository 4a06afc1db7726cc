import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readPasswordFile } from "../../../src/access/password-file.ts";
import { tempFolder } from "../../helpers/temp-folder.ts";

const bcrypt = `$2y$05$${"a".repeat(53)}`;
const argon2 = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

async function read(text: string): Promise<[user: string, hash: string][]> {
  await using folder = await tempFolder();
  writeFileSync(folder.at("users"), text);
  return [...(await readPasswordFile(folder.at("users")))];
}

async function faultOf(text: string): Promise<string> {
  try {
    return `taken: ${String(await read(text))}`;
  } catch (error) {
    return (error as Error).message.replace(/^--auth-basic: .*?users/, "users");
  }
}

test("lines of users and hashes are read, whatever stands around them", async () => {
  const text = `\ufeff\n# a comment: of words\r\nann:${bcrypt}\r\n\n  \nb ob:${argon2}  \n#c:x\n__proto__:${bcrypt}`;
  expect(await read(text)).toEqual([
    ["ann", bcrypt],
    ["b ob", argon2],
    ["__proto__", bcrypt],
  ]);
  for (const hash of [bcrypt.replace("y", "a"), bcrypt.replace("y", "b"), argon2.replace("id", "i")]) {
    expect(await read(`ann:${hash}`)).toEqual([["ann", hash]]);
  }
});

const expected = "expected bcrypt ($2y$, $2b$, $2a$) or argon2 ($argon2id$v=19$, $argon2i$v=19$), got";

const faults: readonly (readonly [line: string, fault: string])[] = [
  ["ann", "expected a user, a colon and a hash"],
  [`:${bcrypt}`, "expected a user, a colon and a hash"],
  [`a\tb:${bcrypt}`, "a user's name holds control characters"],
  [`${"a".repeat(257)}:${bcrypt}`, "a user's name is longer than 256 bytes"],
  ["ann:", `${expected} another kind of hash, or none`],
  ["ann:password", `${expected} another kind of hash, or none`],
  ["ann:rl2GHeHWjN6Go", `${expected} another kind of hash, or none`],
  ["ann:$apr1$Xp3MP/If$x1", `${expected} MD5 ($apr1$)`],
  ["ann:$1$Xp3MP/If$x1", `${expected} MD5 ($1$)`],
  ["ann:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", `${expected} SHA-1 ({SHA})`],
  ["ann:$5$a$b", `${expected} SHA-256 crypt ($5$)`],
  ["ann:$6$a$b", `${expected} SHA-512 crypt ($6$)`],
  [`ann:${bcrypt.replace("y", "x")}`, `${expected} bcrypt of a faulty version ($2x$)`],
  [`ann:${argon2.replace("id", "d")}`, `${expected} argon2d`],
  [`ann:${argon2.replace("v=19$", "")}`, `${expected} another kind of hash, or none`],
  [`ann:${bcrypt.slice(0, -1)}`, `${expected} another kind of hash, or none`],
  [`ann:${bcrypt}:more`, `${expected} another kind of hash, or none`],
  [`ann:${bcrypt.replace("05", "03")}`, "the cost of bcrypt must be from 4 to 17"],
  [`ann:${bcrypt.replace("05", "18")}`, "the cost of bcrypt must be from 4 to 17"],
  [`ann:${argon2.replace("65536", "7")}`, "m of argon2 must be from 8 times p to 1048576"],
  [`ann:${argon2.replace("65536", "1048577")}`, "m of argon2 must be from 8 times p to 1048576"],
  [`ann:${argon2.replace("t=2", "t=0")}`, "t of argon2 must be from 1 to 64"],
  [`ann:${argon2.replace("t=2", "t=65")}`, "t of argon2 must be from 1 to 64"],
  [`ann:${argon2.replace("p=1", "p=0")}`, "p of argon2 must be from 1 to 64"],
  [`ann:${argon2.replace("c29tZXNhbHQ", "c29t")}`, "salt or hash of argon2 is too short"],
];

test.each(faults)("the line %j is an error that does not repeat it", async (line, fault) => {
  expect(await faultOf(`bob:${bcrypt}\n\n${line}\n`)).toBe(`users:3: ${fault}`);
});

test("a user who comes twice, and a file without users, are errors", async () => {
  expect(await faultOf(`ann:${bcrypt}\nann:${argon2}`)).toBe("users:2: this user has a line above already");
  expect(await faultOf("# nobody\n\n")).toBe("users: holds no user, so that nobody could come in");
});
