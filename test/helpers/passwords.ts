import { randomBytes } from "node:crypto";
import { argon2id, bcrypt } from "hash-wasm";

/** A hash as htpasswd makes it, of the least cost. */
export async function bcryptHash(password: string, costFactor = 4): Promise<string> {
  const hash = await bcrypt({ password, salt: randomBytes(16), costFactor, outputType: "encoded" });
  return hash.replace(/^\$2a\$/, "$2y$");
}

export async function argon2Hash(password: string, iterations = 1): Promise<string> {
  const cost = { iterations, parallelism: 1, memorySize: 64, hashLength: 32 };
  return argon2id({ ...cost, password, salt: randomBytes(16), outputType: "encoded" });
}

/** The header that shows a user and a password. */
export function basic(user: string, password: string): { headers: { Authorization: string } } {
  return { headers: { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` } };
}
