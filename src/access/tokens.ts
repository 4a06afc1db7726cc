import type { KeyObject } from "node:crypto";
import { errors, type JWTPayload, jwtVerify, type JWTVerifyGetKey } from "jose";
import type { RefusedError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { badToken, cannotTell } from "./challenges.ts";
import { type Grant, parseRooms, userFault } from "./grant.ts";
import { KeyFile } from "./key-file.ts";
import { KeysUnavailable, openRemoteKeys } from "./remote-keys.ts";
import { type Algorithm, algorithms } from "./token-keys.ts";

/** How far the clocks of those who sign tokens may be from ours, either way. */
const clockToleranceS = 5;

/** A set at a URL is for everybody to read, so that no secret can be in it. */
const publicAlgorithms = algorithms.filter((algorithm) => algorithm !== "HS256");

/** Whose tokens count. */
export interface TokenOptions {
  readonly audience: string | undefined;
  readonly issuer: string | undefined;
}

/** What a token's claims do not say as they should. */
class ClaimFault extends Error {}

/** No key fits, or it cannot be known which. */
class NoKey extends Error {}

/** Checks tokens (RFC 7519), and reads what they allow. */
export class Tokens {
  /** Where the keys are from, if from a file. */
  readonly keyFile: KeyFile | undefined;
  readonly #options: TokenOptions;
  readonly #algorithms: readonly Algorithm[];
  readonly #findKey: JWTVerifyGetKey;
  readonly #closing: AbortController;

  private constructor(keys: KeyFile | JWTVerifyGetKey, options: TokenOptions, closing = new AbortController()) {
    const isFile = keys instanceof KeyFile;
    this.#options = options;
    this.#closing = closing;
    this.keyFile = isFile ? keys : undefined;
    this.#algorithms = isFile ? algorithms : publicAlgorithms;
    this.#findKey = isFile ? ({ alg, kid }) => keyIn(keys, alg, kid) : keys;
  }

  /** Takes tokens that keys of a file have signed. @throws ServerError ERR_AUTH_FILE */
  static async ofFile(path: string, options: TokenOptions): Promise<Tokens> {
    return new Tokens(await KeyFile.open(path), options);
  }

  /** Takes tokens that keys at a URL have signed. */
  static ofUrl(url: string, options: TokenOptions, logger: Logger): Tokens {
    if (options.audience === undefined) {
      logger.warn("without --auth-audience, tokens count that the issuer made for other services");
    }
    const closing = new AbortController();
    return new Tokens(openRemoteKeys(url, logger, closing.signal), options, closing);
  }

  /** Gives up a fetch of keys that is under way, which says nothing of the keys. */
  close(): void {
    this.#closing.abort();
  }

  /** @throws RefusedError 401, or 503 where there are no keys to check the token by */
  async check(token: string): Promise<Grant> {
    const { audience, issuer } = this.#options;
    try {
      const { payload } = await jwtVerify(token, this.#findKey, {
        algorithms: [...this.#algorithms],
        clockTolerance: clockToleranceS,
        ...(audience === undefined ? {} : { audience }),
        ...(issuer === undefined ? {} : { issuer }),
      });
      return grantOf(payload);
    } catch (error) {
      throw refusalOf(error);
    }
  }
}

function keyIn(file: KeyFile, algorithm: string, kid: string | undefined): KeyObject {
  const found = file.find(algorithm, kid);
  if (found === undefined) throw new NoKey();
  return found.key;
}

function grantOf({ sub, exp, room, rooms }: JWTPayload): Grant {
  if (sub !== undefined && typeof sub !== "string") throw new ClaimFault("claim sub is not text");
  const fault = userFault(sub ?? "");
  if (fault !== undefined) throw new ClaimFault(fault);
  return {
    identity: {
      user: sub ?? "",
      authType: "Bearer",
      expiresAtMs: exp === undefined ? null : (exp + clockToleranceS) * 1000,
    },
    rooms: roomsOf(room, rooms),
  };
}

/** Without such a claim, a token is good for every room. */
function roomsOf(...claims: readonly unknown[]): Grant["rooms"] {
  const given = claims.filter((claim) => claim !== undefined).map(parseRooms);
  const names = new Set<string>();
  for (const rooms of given) {
    if (rooms === undefined) throw new ClaimFault("claim room or rooms is neither a name nor a list of names");
    for (const name of rooms ?? []) names.add(name);
  }
  return given.length === 0 || given.includes(null) ? null : names;
}

/** Nothing of the token itself is in it, since it goes to the log. */
function refusalOf(error: unknown): RefusedError {
  const notValid = "the token is not valid";
  if (error instanceof ClaimFault) return badToken(notValid, error.message);
  if (error instanceof NoKey || error instanceof errors.JWKSNoMatchingKey) return badToken(notValid, "no key fits it");
  // Only whoever signs tokens can make one that comes as far as that.
  if (error instanceof errors.JWTExpired) return badToken("the token has expired", "");
  if (error instanceof errors.JWTClaimValidationFailed) {
    return badToken(notValid, `claim ${error.claim} is not as it must be`);
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return badToken(notValid, "its signature is wrong");
  if (error instanceof errors.JOSEAlgNotAllowed) return badToken(notValid, "its algorithm is not allowed");
  if (error instanceof errors.JWKSMultipleMatchingKeys) return badToken(notValid, "several keys may fit it");
  if (error instanceof KeysUnavailable || error instanceof errors.JWKSTimeout) return cannotTell("no keys to check by");
  if (error instanceof errors.JOSEError) return badToken(notValid, `it cannot be read: ${error.code}`);
  return cannotTell("a key of the set cannot be used");
}
