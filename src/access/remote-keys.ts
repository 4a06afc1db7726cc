import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from "jose";
import type { Logger } from "../logger.ts";
import { boundedFetch, fetchFault } from "./bounded-fetch.ts";

const maxBytes = 256 * 1024;
const timeoutMs = 5000;
/** How long a set is used before it is fetched again, and how soon a key that is not in it may be looked for again. */
const maxAgeMs = 600_000;
const cooldownMs = 30_000;
/** Else every request would be one more for a server that is in trouble. */
const pauseAfterFailureMs = 5000;

/** There is no set of keys to check a token by. */
export class KeysUnavailable extends Error {}

/** The keys at a URL, fetched now and then; no more, and nothing is said of it, once `closing` is aborted. */
export function openRemoteKeys(url: string, logger: Logger, closing: AbortSignal): JWTVerifyGetKey {
  const source = new Source(logger, closing);
  const keys = createRemoteJWKSet(new URL(url), {
    timeoutDuration: timeoutMs,
    cooldownDuration: cooldownMs,
    cacheMaxAge: maxAgeMs,
    [customFetch]: (target, init) => source.fetch(target, init),
  });
  // The first client need not wait, and who runs the server reads at once when the set cannot be had.
  keys.reload().catch(() => undefined);
  return keys;
}

/** Where the set comes from. */
class Source {
  readonly #logger: Logger;
  readonly #closing: AbortSignal;
  #pausedUntilMs = 0;

  constructor(logger: Logger, closing: AbortSignal) {
    this.#logger = logger;
    this.#closing = closing;
  }

  async fetch(url: string, init: RequestInit & { readonly signal: AbortSignal }): Promise<Response> {
    if (performance.now() < this.#pausedUntilMs) throw new KeysUnavailable("the keys could not be fetched just now");
    try {
      const signal = AbortSignal.any([init.signal, this.#closing]);
      return new Response(await fetchSet(url, { ...init, signal }));
    } catch (error) {
      if (this.#closing.aborted) throw new KeysUnavailable("the server stops", { cause: error });
      this.#pausedUntilMs = performance.now() + pauseAfterFailureMs;
      const fault = `the set of keys of --auth-jwks is not to be had: ${fetchFault(error)}`;
      this.#logger.warn(fault);
      throw new KeysUnavailable(fault, { cause: error });
    }
  }
}

async function fetchSet(url: string, init: RequestInit): Promise<string> {
  const { status, text } = await boundedFetch(url, init, maxBytes);
  if (status !== 200) throw new Error(`it answered with ${status}`);
  if (!isKeySet(text)) throw new Error("it did not answer with a JWKS");
  return text;
}

function isKeySet(text: string): boolean {
  try {
    const { keys } = JSON.parse(text) as { keys?: unknown };
    return Array.isArray(keys) && keys.every((key) => typeof key === "object" && key !== null && !Array.isArray(key));
  } catch {
    return false;
  }
}
