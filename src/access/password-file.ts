import { authFileError, readAuthFile } from "./auth-file.ts";
import { userFault } from "./grant.ts";

/** Hashes of passwords by user. */
export type PasswordHashes = ReadonlyMap<string, string>;

const flag = "--auth-basic";
const bcrypt = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const argon2 = /^\$argon2(?:id|i)\$v=19\$m=(\d{1,9}),t=(\d{1,9}),p=(\d{1,9})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** What a hash may cost at most: with more, one login would hold up all others. */
const maxCost = 17;
const maxMemoryKiB = 1024 * 1024;
const maxPasses = 64;
const maxLanes = 64;

/** Kinds of hashes that files of other servers hold, and that are too weak or not known here. */
const otherKinds: readonly (readonly [start: RegExp, name: string])[] = [
  [/^\$apr1\$/, "MD5 ($apr1$)"],
  [/^\$1\$/, "MD5 ($1$)"],
  [/^\{SHA\}/i, "SHA-1 ({SHA})"],
  [/^\$5\$/, "SHA-256 crypt ($5$)"],
  [/^\$6\$/, "SHA-512 crypt ($6$)"],
  [/^\$2x\$/, "bcrypt of a faulty version ($2x$)"],
  [/^\$argon2d\$/, "argon2d"],
];

/** Reads lines of a user, a colon and a hash. @throws ServerError ERR_AUTH_FILE with the line */
export async function readPasswordFile(path: string): Promise<PasswordHashes> {
  const text = (await readAuthFile(flag, path)).toString("utf8").replace(/^\ufeff/, "");
  const hashes = new Map<string, string>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const colon = line.indexOf(":");
    const [user, hash] = [line.slice(0, Math.max(colon, 0)), line.slice(colon + 1).trim()];
    const fault = entryFault(user, hash) ?? (hashes.has(user) ? "this user has a line above already" : undefined);
    if (fault !== undefined) throw authFileError(flag, `${path}:${index + 1}`, fault);
    hashes.set(user, hash);
  }
  if (hashes.size === 0) throw authFileError(flag, path, "holds no user, so that nobody could come in");
  return hashes;
}

/** Neither the name nor the hash is in it: a line without a colon may be a password. */
function entryFault(user: string, hash: string): string | undefined {
  if (user === "") return "expected a user, a colon and a hash";
  return userFault(user) ?? hashFault(hash);
}

function hashFault(hash: string): string | undefined {
  const cost = bcrypt.exec(hash)?.[1];
  if (cost !== undefined) {
    return Number(cost) >= 4 && Number(cost) <= maxCost ? undefined : `the cost of bcrypt must be from 4 to ${maxCost}`;
  }
  const parts = argon2.exec(hash);
  if (parts !== null) return argon2Fault(parts);
  const kind = otherKinds.find(([start]) => start.test(hash))?.[1] ?? "another kind of hash, or none";
  return `expected bcrypt ($2y$, $2b$, $2a$) or argon2 ($argon2id$v=19$, $argon2i$v=19$), got ${kind}`;
}

function argon2Fault([, memory, passes, lanes, salt = "", hash = ""]: readonly string[]): string | undefined {
  const [memoryKiB, p] = [Number(memory), Number(lanes)];
  if (p < 1 || p > maxLanes) return `p of argon2 must be from 1 to ${maxLanes}`;
  if (memoryKiB < 8 * p || memoryKiB > maxMemoryKiB) return `m of argon2 must be from 8 times p to ${maxMemoryKiB}`;
  if (Number(passes) < 1 || Number(passes) > maxPasses) return `t of argon2 must be from 1 to ${maxPasses}`;
  const isShort = Buffer.from(salt, "base64").length < 8 || Buffer.from(hash, "base64").length < 16;
  return isShort ? "salt or hash of argon2 is too short" : undefined;
}
