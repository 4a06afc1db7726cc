import { createPublicKey, createSecretKey, type JsonWebKey, type KeyObject } from "node:crypto";

/** How tokens may be signed (RFC 7518 section 3, RFC 8037); anything else is refused. */
export const algorithms = ["HS256", "RS256", "ES256", "EdDSA"] as const;
export type Algorithm = (typeof algorithms)[number];

/** A key that tokens may be signed with, each only in its one way: no public key is ever taken for a secret. */
export interface TokenKey {
  readonly algorithm: Algorithm;
  /** Its name in a set, where it has one. */
  readonly kid: string | undefined;
  readonly key: KeyObject;
}

/** RFC 7518 section 3.2: as many as the hash has. */
const minSecretBytes = 32;
/** RFC 7518 section 3.3. */
const minModulusBits = 2048;

/** Why a key cannot be used. */
export class KeyFault extends Error {}

/** A key that is sound, but not for signing tokens in one of our ways: the others of a set may be. */
class ForeignKeyFault extends KeyFault {}

/**
 * Reads keys from what a file holds: JSON begins with a brace, PEM has its mark, and anything else is a secret.
 * @throws KeyFault
 */
export function parseKeys(bytes: Buffer): TokenKey[] {
  const text = bytes
    .toString("utf8")
    .replace(/^\ufeff/, "")
    .trim();
  if (text.startsWith("{")) return parseJson(text);
  if (text.includes("-----BEGIN ")) return [{ ...parsePem(text), kid: undefined }];
  return [secretKey(withoutLineEnd(bytes))];
}

/** An editor puts a line's end behind a secret, which is no part of it. */
function withoutLineEnd(bytes: Buffer): Buffer {
  const end = /\r?\n$/.exec(bytes.toString("latin1"))?.[0].length ?? 0;
  return bytes.subarray(0, bytes.length - end);
}

function secretKey(bytes: Buffer, kid?: string): TokenKey {
  if (isPublicKey(bytes)) {
    throw new KeyFault("a public key must be written as PEM (-----BEGIN PUBLIC KEY-----) or as a JWK");
  }
  if (bytes.length < minSecretBytes) {
    throw new KeyFault(`a secret must have at least ${minSecretBytes} bytes, this one has ${bytes.length}`);
  }
  return { algorithm: "HS256", kid, key: createSecretKey(bytes) };
}

/** Whoever takes a key that everybody may know for a secret lets everybody in. */
function isPublicKey(bytes: Buffer): boolean {
  const text = bytes.toString("latin1");
  if (/^(?:ssh-|ecdsa-)\S+ |-----BEGIN /.test(text)) return true;
  const der = /^[A-Za-z0-9+/=\s]+$/.test(text) ? [bytes, Buffer.from(text, "base64")] : [bytes];
  return der.some((key) => ["spki", "pkcs1"].some((type) => isDer(key, type as "spki" | "pkcs1")) || isDerInPem(key));
}

function isDer(key: Buffer, type: "spki" | "pkcs1"): boolean {
  try {
    createPublicKey({ key, format: "der", type });
    return true;
  } catch {
    return false;
  }
}

/** Certificates are read from PEM only. */
function isDerInPem(der: Buffer): boolean {
  try {
    createPublicKey(`-----BEGIN CERTIFICATE-----\n${der.toString("base64")}\n-----END CERTIFICATE-----\n`);
    return true;
  } catch {
    return false;
  }
}

function parsePem(text: string): Omit<TokenKey, "kid"> {
  const labels = Array.from(text.matchAll(/-----BEGIN ([^-]+)-----/g), ([, label = ""]) => label);
  if (labels.length > 1)
    throw new KeyFault("holds more than one key or certificate; several keys are written as a JWKS");
  if (labels[0]?.includes("PRIVATE KEY")) {
    throw new KeyFault("holds a private key, which only those need who sign tokens; give the public key");
  }
  return publicKey(() => createPublicKey(text));
}

function parseJson(text: string): TokenKey[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new KeyFault("begins with a brace but is not JSON");
  }
  const { keys } = value as { keys?: unknown };
  if (keys === undefined) return [parseJwk(value as JsonWebKey)];
  if (!Array.isArray(keys)) throw new KeyFault("its keys are not a list");
  const usable = keys.flatMap(parseJwkOfSet);
  if (usable.length === 0) throw new KeyFault(`holds no key for ${algorithms.join(", ")}`);
  return usable;
}

/** RFC 7517 section 5: keys of a set that are of no use here are passed over. */
function parseJwkOfSet(jwk: unknown): TokenKey[] {
  if (typeof jwk !== "object" || jwk === null) throw new KeyFault("a key of the set is not an object");
  try {
    return [parseJwk(jwk as JsonWebKey)];
  } catch (error) {
    if (error instanceof ForeignKeyFault) return [];
    throw error;
  }
}

function parseJwk(jwk: JsonWebKey): TokenKey {
  const { kid, alg, use, key_ops: operations } = jwk;
  if (kid !== undefined && typeof kid !== "string") throw new KeyFault("a key's kid is not text");
  if (use !== undefined && use !== "sig") throw new ForeignKeyFault("the key is not for signatures (use)");
  if (Array.isArray(operations) && !operations.includes("verify")) {
    throw new ForeignKeyFault("the key is not for checking signatures (key_ops)");
  }
  const key = jwk.kty === "oct" ? secretOf(jwk, kid) : { ...publicOf(jwk), kid };
  if (alg !== undefined && alg !== key.algorithm) {
    throw new ForeignKeyFault(`the key is for ${JSON.stringify(alg)}, not for ${key.algorithm}`);
  }
  return key;
}

function secretOf({ k, alg }: JsonWebKey, kid: string | undefined): TokenKey {
  if (alg !== undefined && alg !== "HS256") throw new ForeignKeyFault(`the secret is for ${JSON.stringify(alg)}`);
  if (typeof k !== "string" || !/^[A-Za-z0-9_-]*$/.test(k)) throw new KeyFault("a secret (k) is not base64url");
  return secretKey(Buffer.from(k, "base64url"), kid);
}

function publicOf(jwk: JsonWebKey): Omit<TokenKey, "kid"> {
  if (jwk.d !== undefined) {
    throw new KeyFault("holds a private key (d), which only those need who sign tokens; give the public key");
  }
  const kind = [jwk.kty, jwk.crv].filter((part) => part !== undefined).join(" ");
  if (!["RSA", "EC P-256", "OKP Ed25519"].includes(kind)) {
    throw new ForeignKeyFault(`keys must be RSA, EC P-256, OKP Ed25519 or oct, not ${JSON.stringify(kind)}`);
  }
  return publicKey(() => createPublicKey({ key: jwk, format: "jwk" }));
}

/** What is signed with a key follows from its kind, never from what a token says. */
function publicKey(read: () => KeyObject): Omit<TokenKey, "kid"> {
  let key: KeyObject;
  try {
    key = read();
  } catch {
    throw new KeyFault("holds no public key or certificate that can be read");
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: { modulusLength = 0, namedCurve = "" } = {} } = key;
  if (type === "rsa" && modulusLength < minModulusBits) {
    throw new KeyFault(`an RSA key must have at least ${minModulusBits} bits, this one has ${modulusLength}`);
  }
  if (type === "rsa") return { algorithm: "RS256", key };
  if (type === "ec" && namedCurve === "prime256v1") return { algorithm: "ES256", key };
  if (type === "ed25519") return { algorithm: "EdDSA", key };
  throw new ForeignKeyFault(`keys must be RSA, P-256 or Ed25519, not ${namedCurve || (type ?? "of an unknown kind")}`);
}
