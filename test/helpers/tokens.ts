import { createSecretKey, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { type JWTPayload, SignJWT } from "jose";

/** What tokens are signed with, made anew for each run of the tests. */
export interface Signer {
  readonly algorithm: string;
  readonly key: KeyObject;
  /** As it stands in a file for who checks tokens: PEM, or the secret itself. */
  readonly text: string;
  readonly jwk: Readonly<Record<string, unknown>>;
}

const hourS = 3600;

/** A key pair or a secret for an algorithm of RFC 7518 or RFC 8037; `kid` is its name in a set. */
export function createSigner(algorithm: string, kid?: string): Signer {
  if (algorithm.startsWith("HS")) return secretSigner(randomBytes(32).toString("base64url"));
  const { privateKey, publicKey } = generate(algorithm);
  const text = publicKey.export({ type: "spki", format: "pem" }) as string;
  return { algorithm, key: privateKey, text, jwk: { ...publicKey.export({ format: "jwk" }), kid } };
}

/** Signs with a text that is known as a secret, or taken for one. */
export function secretSigner(text: string): Signer {
  const bytes = Buffer.from(text);
  const jwk = { kty: "oct", k: bytes.toString("base64url") };
  return { algorithm: "HS256", key: createSecretKey(bytes), text, jwk };
}

/** A token that holds for an hour, if its claims do not say otherwise. */
export async function token(
  signer: Signer,
  claims: Readonly<Record<string, unknown>> = {},
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const all = { exp: inSeconds(hourS), ...claims };
  return new SignJWT(all).setProtectedHeader({ alg: signer.algorithm, ...header }).sign(signer.key);
}

/** A token without a signature, as attackers write it. */
export function unsignedToken(claims: JWTPayload, algorithm = "none"): string {
  const parts = [{ alg: algorithm }, { exp: inSeconds(hourS), ...claims }];
  return `${parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".")}.`;
}

/** A time so many seconds from now, as claims have it. */
export function inSeconds(seconds: number): number {
  return Math.floor(Date.now() / 1000) + seconds;
}

/** The headers that show a token. */
export function bearer(text: string): { headers: { Authorization: string } } {
  return { headers: { Authorization: `Bearer ${text}` } };
}

function generate(algorithm: string): { privateKey: KeyObject; publicKey: KeyObject } {
  switch (algorithm) {
    case "RS256":
      return generateKeyPairSync("rsa", { modulusLength: 2048 });
    case "ES256":
      return generateKeyPairSync("ec", { namedCurve: "P-256" });
    case "ES384":
      return generateKeyPairSync("ec", { namedCurve: "P-384" });
    case "EdDSA":
      return generateKeyPairSync("ed25519");
    default:
      throw new Error(`no keys for ${algorithm}`);
  }
}
