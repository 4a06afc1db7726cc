import type { X509Certificate } from "node:crypto";
import type { SecureContextOptions, Server } from "node:tls";
import { messageOf } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { Reloadable } from "../reloadable.ts";
import {
  areSame,
  type CertificateFiles,
  type CertificateTexts,
  checkTexts,
  contextOf,
  looksOf,
  readTexts,
} from "./certificate-files.ts";
import { warningOf } from "./validity.ts";

/** How often is looked whether files have changed. What has is read when it has not changed again for as long. */
const lookMs = 1000;

/** What the server shows of itself with TLS, and by whose word it knows clients. Follows its files as they change. */
export class Certificates implements Reloadable {
  readonly what: string;
  /** Whether clients have to show certificates. */
  readonly areAsked: boolean;
  readonly #files: CertificateFiles;
  readonly #logger: Logger;
  readonly #servers = new Set<Server>();
  #texts: CertificateTexts;
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
    texts: CertificateTexts,
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
    const texts = await readTexts(files);
    const certificate = checkTexts(files, texts);
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
    const texts = await readTexts(this.#files);
    if (!areSame(texts, this.#texts)) this.#useTexts(texts);
    this.#fault = undefined;
  }

  #useTexts(texts: CertificateTexts): void {
    this.#certificate = checkTexts(this.#files, texts);
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
