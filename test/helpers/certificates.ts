import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { TempFolder } from "./temp-folder.ts";

const run = promisify(execFile);
const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** A certificate and its key, as files in PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Makes an authority that can sign certificates. */
export async function makeAuthority(folder: TempFolder, name: string): Promise<Certificate> {
  return make(folder, name, ["-subj", `/CN=${name}`, "-addext", "keyUsage=critical,keyCertSign"]);
}

/** Makes a certificate for localhost, or of a client; the subject is written as openssl takes it. */
export async function makeCertificate(
  folder: TempFolder,
  name: string,
  { subject = "/CN=localhost", authority }: { subject?: string; authority?: Certificate } = {},
): Promise<Certificate> {
  const signer = authority === undefined ? [] : ["-CA", authority.cert, "-CAkey", authority.key];
  const names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
  const form = ["-utf8", "-multivalue-rdn", "-subj", subject, "-addext", names, "-addext", "basicConstraints=CA:FALSE"];
  return make(folder, name, [...form, "-days", "2", ...signer]);
}

/** Makes a certificate whose time was over yesterday. */
export async function makeExpired(folder: TempFolder, name: string): Promise<Certificate> {
  const made = await makeCertificate(folder, name);
  await run("openssl", ["x509", "-in", made.cert, "-signkey", made.key, "-days", "-1", "-out", made.cert]);
  return made;
}

async function make(folder: TempFolder, name: string, words: readonly string[]): Promise<Certificate> {
  const made = { cert: folder.at(`${name}.crt`), key: folder.at(`${name}.key`) };
  await run("openssl", ["req", "-x509", ...newKey, "-keyout", made.key, "-out", made.cert, ...words]);
  return made;
}
