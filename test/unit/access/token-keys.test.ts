import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { parseKeys } from "../../../src/access/token-keys.ts";
import { createSigner } from "../../helpers/tokens.ts";

const rsa = createSigner("RS256");
const ec = createSigner("ES256");
const edwards = createSigner("EdDSA");
const p384 = createSigner("ES384");
const secret = { kty: "oct", k: randomBytes(32).toString("base64url") };

function keysOf(content: string | Buffer | object): [algorithm: string, kid: string | undefined][] {
  return parseKeys(bytesOf(content)).map(({ algorithm, kid }) => [algorithm, kid]);
}

function bytesOf(content: string | Buffer | object): Buffer {
  if (Buffer.isBuffer(content)) return content;
  return Buffer.from(typeof content === "string" ? content : JSON.stringify(content));
}

function faultOf(content: string | Buffer | object): string {
  try {
    return `taken: ${JSON.stringify(keysOf(content))}`;
  } catch (error) {
    return (error as Error).message;
  }
}

function pem(key: KeyObject, type: "pkcs1" | "pkcs8" | "spki" = "spki"): string {
  // Which types there are depends on whether the key is a public one.
  return (key.export as (options: object) => string).call(key, { type, format: "pem" });
}

function der(text: string): Buffer {
  return createPublicKey(text).export({ type: "spki", format: "der" });
}

test("what kind of key a file holds follows from what it looks like", () => {
  expect(keysOf(rsa.text)).toEqual([["RS256", undefined]]);
  expect(keysOf(pem(createPublicKey(rsa.text), "pkcs1"))).toEqual([["RS256", undefined]]);
  expect(keysOf(ec.text)).toEqual([["ES256", undefined]]);
  expect(keysOf(`Some words before it.\n${edwards.text}\n\n`)).toEqual([["EdDSA", undefined]]);
  expect(keysOf({ ...ec.jwk, kid: "a" })).toEqual([["ES256", "a"]]);
  expect(keysOf({ ...secret, alg: "HS256", kid: "s" })).toEqual([["HS256", "s"]]);
  // Not random: a newline at the end would be taken for that of a text.
  expect(keysOf(Buffer.alloc(32, 0xa5))).toEqual([["HS256", undefined]]);
});

test("of a set, keys are passed over that no token of ours is signed with", () => {
  const keys = [
    { ...p384.jwk, kid: "other curve" },
    { ...rsa.jwk, kid: "other algorithm", alg: "PS256" },
    { ...rsa.jwk, kid: "for encryption", use: "enc" },
    { ...rsa.jwk, kid: "for signing only", key_ops: ["sign"] },
    { ...secret, kid: "other hash", alg: "HS512" },
    { kty: "AKP", kid: "other kind", pub: "x" },
    { kty: "EC", crv: "P-999", kid: "unknown curve", x: "x", y: "y" },
    { ...ec.jwk, kid: "good" },
  ];
  expect(keysOf({ keys })).toEqual([["ES256", "good"]]);
  expect(faultOf({ keys: keys.slice(0, -1) })).toBe("holds no key for HS256, RS256, ES256, EdDSA");
  for (const key of keys.slice(0, -1)) expect(faultOf(key)).not.toContain("taken");
});

test("the line's end behind a secret is no part of it", () => {
  const text = "0123456789abcdef0123456789abcdef";
  const exported = ["", "\n", "\r\n"].map((end) =>
    parseKeys(bytesOf(text + end))[0]
      ?.key.export()
      .toString(),
  );
  expect(exported).toEqual([text, text, text]);
  expect(
    parseKeys(bytesOf(`${text}\n\n`))[0]
      ?.key.export()
      .toString(),
  ).toBe(`${text}\n`);
  expect(faultOf(`${text.slice(1)}\n`)).toBe("a secret must have at least 32 bytes, this one has 31");
});

const certificateOnly = "a public key must be written as PEM (-----BEGIN PUBLIC KEY-----) or as a JWK";

const faults: readonly (readonly [name: string, content: string | Buffer | object, fault: string])[] = [
  ["an empty file", "", "a secret must have at least 32 bytes, this one has 0"],
  ["a short secret", { ...secret, k: "c2hvcnQ" }, "a secret must have at least 32 bytes, this one has 5"],
  [
    "a short secret in a set",
    { keys: [{ ...secret, k: "" }, ec.jwk] },
    "a secret must have at least 32 bytes, this one has 0",
  ],
  ["a secret that is not base64url", { ...secret, k: "a+b/" }, "a secret (k) is not base64url"],
  ["a public key in DER", der(rsa.text), certificateOnly],
  ["a public key in bare base64", der(ec.text).toString("base64"), certificateOnly],
  ["a public key for ssh", `ssh-ed25519 ${randomBytes(40).toString("base64")} ann@host`, certificateOnly],
  ["a public key as the secret of a JWK", { kty: "oct", k: der(rsa.text).toString("base64url") }, certificateOnly],
  [
    "a PEM text as the secret of a JWK",
    { kty: "oct", k: Buffer.from(rsa.text).toString("base64url") },
    certificateOnly,
  ],
  [
    "a private key",
    pem(ec.key, "pkcs8"),
    "holds a private key, which only those need who sign tokens; give the public key",
  ],
  [
    "a private JWK",
    { keys: [ec.key.export({ format: "jwk" })] },
    "holds a private key (d), which only those need who sign tokens; give the public key",
  ],
  ["two keys", rsa.text + ec.text, "holds more than one key or certificate; several keys are written as a JWKS"],
  ["a broken key", rsa.text.replace("A", "!"), "holds no public key or certificate that can be read"],
  ["a JWK without its parts", { kty: "RSA" }, "holds no public key or certificate that can be read"],
  [
    "a small RSA key",
    pem(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey),
    "an RSA key must have at least 2048 bits, this one has 1024",
  ],
  ["another curve", p384.text, "keys must be RSA, P-256 or Ed25519, not secp384r1"],
  [
    "a key for other signatures",
    pem(generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).publicKey),
    "keys must be RSA, P-256 or Ed25519, not rsa-pss",
  ],
  [
    "a key for something else",
    pem(generateKeyPairSync("x25519").publicKey),
    "keys must be RSA, P-256 or Ed25519, not x25519",
  ],
  ["broken JSON", "{", "begins with a brace but is not JSON"],
  ["a set that is no list", { keys: {} }, "its keys are not a list"],
  ["a set of texts", { keys: ["a"] }, "a key of the set is not an object"],
  ["a number for a name", { ...ec.jwk, kid: 7 }, "a key's kid is not text"],
  ["no kind", { kid: "a" }, 'keys must be RSA, EC P-256, OKP Ed25519 or oct, not ""'],
];

test.each(faults)("%s is not taken", (_name, content, fault) => {
  expect(faultOf(content)).toBe(fault);
});
