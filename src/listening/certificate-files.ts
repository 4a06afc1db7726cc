import { constants, createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { stat } from "node:fs/promises";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { messageOf, ServerError } from "../errors.ts";
import { readSmallFile } from "../system/small-file.ts";

/** With forward secrecy and authenticated encryption only; those of TLS 1.3 are all like that. */
const ciphers = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
].join(":");

/** Where the parts are: the certificate and its chain, its key, and who signs certificates of clients. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | undefined;
}

/** What stands in them. */
export interface CertificateTexts {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | undefined;
}

/** All of it each time: a server takes what is not said for its default, also where it was told otherwise before. */
export function contextOf({ cert, key, ca }: CertificateTexts): SecureContextOptions {
  // A client could have the expensive part of the handshake done again and again.
  const secureOptions = constants.SSL_OP_NO_RENEGOTIATION;
  return { cert, key, ca, ciphers, minVersion: "TLSv1.2", honorCipherOrder: true, secureOptions };
}

/** Differs when files have changed. Links are followed, so that also one that leads somewhere else is noticed. */
export async function looksOf({ cert, key, ca }: CertificateFiles): Promise<string> {
  const looks = await Promise.all([cert, key, ca].filter((file) => file !== undefined).map(lookOf));
  return looks.join(" ");
}

async function lookOf(file: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(":");
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "unknown";
  }
}

/** @throws ServerError ERR_TLS where a file cannot be read. */
export async function readTexts({ cert, key, ca }: CertificateFiles): Promise<CertificateTexts> {
  return {
    cert: await readText("--tlscert", cert),
    key: await readText("--tlskey", key),
    ca: ca === undefined ? undefined : await readText("--tlsca", ca),
  };
}

async function readText(flag: string, file: string): Promise<string> {
  try {
    return (await readSmallFile(file)).toString("latin1");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw fault(
      flag,
      `expected a file that can be read, got ${JSON.stringify(file)} (${code ?? messageOf(error)})`,
      error,
    );
  }
}

export function areSame(a: CertificateTexts, b: CertificateTexts): boolean {
  return a.cert === b.cert && a.key === b.key && a.ca === b.ca;
}

/** Finds out whether all belongs together, before it is used. @throws ServerError ERR_TLS */
export function checkTexts(files: CertificateFiles, texts: CertificateTexts): X509Certificate {
  const certificate = parseCertificate("--tlscert", files.cert, texts.cert);
  if (!certificate.checkPrivateKey(parseKey(files.key, texts.key))) {
    const [key, cert] = [JSON.stringify(files.key), JSON.stringify(files.cert)];
    throw fault("--tlskey", `expected the key of the certificate in ${cert}, got another one in ${key}`);
  }
  if (files.ca !== undefined) {
    for (const text of splitCertificates(texts.ca ?? "")) parseCertificate("--tlsca", files.ca, text);
  }
  try {
    createSecureContext(contextOf(texts));
  } catch (error) {
    throw fault("--tlscert", `TLS cannot be spoken with ${JSON.stringify(files.cert)}: ${messageOf(error)}`, error);
  }
  return certificate;
}

/** Each certificate of a PEM file; where there is none, what is there instead. */
function splitCertificates(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [text];
}

function parseCertificate(flag: string, file: string, text: string): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (error) {
    throw fault(flag, `expected a certificate in PEM, got something else in ${JSON.stringify(file)}`, error);
  }
}

function parseKey(file: string, text: string): KeyObject {
  try {
    return createPrivateKey(text);
  } catch (error) {
    const expected = "expected a private key in PEM without a passphrase";
    throw fault("--tlskey", `${expected}, got something else in ${JSON.stringify(file)}`, error);
  }
}

function fault(flag: string, text: string, cause?: unknown): ServerError {
  return new ServerError("ERR_TLS", `${flag}: ${text}`, { cause });
}
