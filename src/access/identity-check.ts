import type { Logger } from "../logger.ts";
import { isLoopbackUrl, type Options } from "../options.ts";
import type { Reloadable } from "../reloadable.ts";
import type { RequestHead } from "../request-head.ts";
import { challenges, nothingShown } from "./challenges.ts";
import type { Grant } from "./grant.ts";
import type { Hook } from "./hook.ts";
import type { Passwords } from "./passwords.ts";
import { passwordOf, tokenOf } from "./shown.ts";
import type { Tokens } from "./tokens.ts";
import type { Visitor } from "./visitor.ts";

/** Which options say how clients show who they are. */
export type IdentityOptions = Pick<
  Options,
  "authJwtKey" | "authJwks" | "authAudience" | "authIssuer" | "authParam" | "authUrl" | "authCacheMs" | "authBasic"
>;

/** The ways to show who one is; any of them is enough. */
interface Ways {
  readonly tokens?: Tokens;
  readonly passwords?: Passwords;
  readonly hook?: Hook;
}

/** Finds out who clients are, where that is asked for at all. */
export class IdentityCheck {
  readonly reloadables: readonly Reloadable[];
  readonly #ways: Ways;
  readonly #parameter: string | undefined;

  private constructor(ways: Ways, parameter: string | undefined) {
    this.#ways = ways;
    this.#parameter = parameter;
    this.reloadables = [ways.tokens?.keyFile, ways.passwords].filter((part) => part !== undefined);
  }

  /** Loads only what is asked for; undefined where nothing is. @throws ServerError ERR_AUTH_FILE */
  static async open(options: IdentityOptions, logger: Logger): Promise<IdentityCheck | undefined> {
    const { authJwtKey, authJwks, authUrl, authBasic, authCacheMs, authParam } = options;
    const ways = {
      ...(authJwtKey === undefined && authJwks === undefined ? {} : { tokens: await openTokens(options, logger) }),
      ...(authBasic === undefined ? {} : { passwords: await openPasswords(authBasic, logger) }),
      ...(authUrl === undefined ? {} : { hook: await openHook(authUrl, authCacheMs, logger) }),
    };
    return Object.keys(ways).length === 0 ? undefined : new IdentityCheck(ways, authParam);
  }

  /** What somebody who asks for a websocket is allowed. @throws RefusedError */
  async grant(request: RequestHead, visitor: Visitor, room: string): Promise<Grant> {
    const { tokens, passwords, hook } = this.#ways;
    if (hook !== undefined) return hook.ask(request, visitor, room);
    const token = tokens === undefined ? undefined : tokenOf(visitor, this.#parameter);
    // Who shows a token is judged by it alone, whatever else is shown.
    if (tokens !== undefined && token !== undefined) return tokens.check(token);
    const { authorization } = request.headers;
    if (passwords !== undefined && (tokens === undefined || passwordOf(authorization) !== undefined)) {
      return passwords.check(authorization, visitor.remoteAddress);
    }
    throw nothingShown([...(passwords === undefined ? [] : [challenges.basic]), challenges.bearer]);
  }

  /** Refuses who does not show a password with a plain request, where one is asked for. @throws RefusedError */
  async guard({ headers }: RequestHead, address: string): Promise<void> {
    await this.#ways.passwords?.check(headers.authorization, address);
  }

  /** Gives up what is under way. */
  async close(): Promise<void> {
    this.#ways.tokens?.close();
    this.#ways.hook?.close();
    await this.#ways.passwords?.close();
  }
}

async function openTokens(options: IdentityOptions, logger: Logger): Promise<Tokens> {
  const { authJwtKey, authJwks, authAudience, authIssuer } = options;
  const { Tokens } = await import("./tokens.ts");
  const whose = { audience: authAudience, issuer: authIssuer };
  if (authJwtKey !== undefined) return Tokens.ofFile(authJwtKey, whose);
  return Tokens.ofUrl(authJwks ?? "", whose, logger);
}

async function openPasswords(path: string, logger: Logger): Promise<Passwords> {
  const [{ Passwords }, { HashThread }] = await Promise.all([import("./passwords.ts"), import("./hash-thread.ts")]);
  return Passwords.open(path, new HashThread(), logger);
}

async function openHook(url: string, cacheMs: number, logger: Logger): Promise<Hook> {
  const { Hook } = await import("./hook.ts");
  const address = new URL(url);
  if (address.protocol === "http:" && !isLoopbackUrl(address)) {
    logger.warn("--auth-url is plain http: on the way to it, others can read what clients show, such as cookies");
  }
  return new Hook(url, cacheMs, logger);
}
