import { constants, createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { stat } from "node:fs/promises";
import { createSecureContext, type SecureContextOptions, type Server } from "node:tls";
import { messageOf, ServerError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { readSmallFile } from "../system/small-file.ts";
import type { Reloadable } from "../reloadable.ts";
import { warningOf } from "./validity.ts";

/** How often is looked whether files have changed. What has is read when it has not changed again for as long. */
const lookMs = 1000;

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

interface Texts {
  readonly cert: string;
  readonly key: string;
  readonly ca: string | undefined;
}

/** What the server shows of itself with TLS, and by whose word it knows clients. Follows its files as they change. */
export class Certificates implements Reloadable {
  readonly what: string;
  /** Whether clients have to show certificates. */
  readonly areAsked: boolean;
  readonly #files: CertificateFiles;
  readonly #logger: Logger;
  readonly #servers = new Set<Server>();
  #texts: Texts;
  #certificate: X509Certificate;
  /** What was said last of the certificate's time. */
  #warning: string | undefined;
  /** Why the files could not be used when they were read last. */
  #fault: string | undefined;
  /** What the files looked like when they were last looked at, and whether that is in use. */
  #seen: string;
  #isRead = true;
  #isLooking = false;
  #reading: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  private constructor(
    files: CertificateFiles,
    texts: Texts,
    certificate: X509Certificate,
    seen: string,
    logger: Logger,
  ) {
    this.what = `certificate ${files.cert}`;
    this.#files = files;
    this.#texts = texts;
    this.#certificate = certificate;
    this.#seen = seen;
    this.#logger = logger;
    this.areAsked = files.ca !== undefined;
  }

  /** @throws ServerError ERR_TLS where the files cannot be read, or do not belong together. */
  static async open(files: CertificateFiles, logger: Logger): Promise<Certificates> {
    const seen = await looksOf(files);
    const texts = await read(files);
    const certificate = check(files, texts);
    return new Certificates(files, texts, certificate, seen, logger);
  }

  /** When the time of the certificate in use is over, in milliseconds since 1970. */
  get endsAtMs(): number {
    return Date.parse(this.#certificate.validTo);
  }

  get context(): SecureContextOptions {
    return contextOf(this.#texts);
  }

  /** Has a server use what is there now, and what comes after it. */
  use(server: Server): void {
    this.#servers.add(server);
  }

  /**
   * Reads the files again. Connections that are open stay as they are.
   * @throws ServerError ERR_TLS where what is there cannot be used; all stays as it was then.
   */
  async reload(): Promise<void> {
    // One after the other, so that what was read first does not take the place of what is newer.
    const reading = this.#reading.then(async () => this.#reload());
    this.#reading = reading.catch((error: unknown) => {
      // What stood in the way may pass without any change of the files, such as a lack of descriptors.
      this.#isRead = false;
      this.#fault = messageOf(error);
    });
    return reading;
  }

  async #reload(): Promise<void> {
    this.#seen = await looksOf(this.#files);
    this.#isRead = true;
    const texts = await read(this.#files);
    if (!areSame(texts, this.#texts)) this.#useTexts(texts);
    this.#fault = undefined;
  }

  #useTexts(texts: Texts): void {
    this.#certificate = check(this.#files, texts);
    this.#texts = texts;
    for (const server of this.#servers) server.setSecureContext(this.context);
    const { subject, validTo } = this.#certificate;
    this.#logger.info(`certificate of ${subject.replaceAll("\n", ", ")} is used from now on, valid until ${validTo}`);
  }

  /** Follows the files from now on. */
  watch(): void {
    this.#warn();
    this.#timer ??= setInterval(() => void this.#look(), lookMs).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    const seen = await looksOf(this.#files);
    if (seen !== this.#seen) this.#isRead = false;
    else if (!this.#isRead) await this.#reloadQuietly();
    this.#seen = seen;
    this.#isLooking = false;
    this.#warn();
  }

  /** As often as it takes, so each reason is said once, unless whoever has asked for it knows it already. */
  async #reloadQuietly(): Promise<void> {
    const known = this.#fault;
    try {
      await this.reload();
    } catch (error) {
      const message = messageOf(error);
      if (message !== known) this.#logger.warn(`${message}; the certificate from before stays in use`);
    }
  }

  /** Says once when the certificate's time comes to its end, and when it is over. */
  #warn(): void {
    const warning = warningOf(this.#certificate, Date.now());
    if (warning === this.#warning) return;
    this.#warning = warning;
    if (warning !== undefined) this.#logger.warn(`the certificate in ${JSON.stringify(this.#files.cert)} ${warning}`);
  }
}

/** All of it each time: a server takes what is not said for its default, also where it was told otherwise before. */
function contextOf({ cert, key, ca }: Texts): SecureContextOptions {
  // A client could have the expensive part of the handshake done again and again.
  const secureOptions = constants.SSL_OP_NO_RENEGOTIATION;
  return { cert, key, ca, ciphers, minVersion: "TLSv1.2", honorCipherOrder: true, secureOptions };
}

/** Links are followed, so that also one that leads somewhere else is noticed. */
async function looksOf({ cert, key, ca }: CertificateFiles): Promise<string> {
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

async function read({ cert, key, ca }: CertificateFiles): Promise<Texts> {
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

function areSame(a: Texts, b: Texts): boolean {
  return a.cert === b.cert && a.key === b.key && a.ca === b.ca;
}

/** Finds out whether all belongs together, before it is used. @throws ServerError ERR_TLS */
function check(files: CertificateFiles, texts: Texts): X509Certificate {
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
