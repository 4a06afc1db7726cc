import { refuse } from "./refuse.ts";
import type { Options } from "./table.ts";

/** Refuses ways to come in that contradict each other, or that miss something. @throws ServerError ERR_USAGE */
export function checkIdentity(options: Options): void {
  checkUrls(options);
  checkTokens(options);
  checkHook(options);
}

/** The URL itself is in no message, since what is wrong with it is that it holds a secret. */
function checkUrls({ authUrl, authJwks }: Options): void {
  const given = [
    ["--auth-url", authUrl],
    ["--auth-jwks", authJwks],
  ] as const;
  for (const [flag, text] of given) {
    if (text === undefined) continue;
    const { username, password } = new URL(text);
    if (username !== "" || password !== "") refuse(`${flag} must not hold a user or a password before its host`);
  }
}

function checkTokens({ authJwtKey, authJwks, authAudience, authIssuer, authParam, authUrl }: Options): void {
  if (authJwtKey !== undefined && authJwks !== undefined) {
    refuse(
      `--auth-jwt-key=${authJwtKey} and --auth-jwks=${authJwks} both say who signs tokens; give one of them ` +
        "(a file may hold a whole set of keys)",
    );
  }
  if (authJwtKey !== undefined || authJwks !== undefined) return;
  const given = [
    ["--auth-audience", authAudience],
    ["--auth-issuer", authIssuer],
  ] as const;
  for (const [flag, value] of given) {
    if (value !== undefined) refuse(`${flag}=${value} is about tokens, so it needs --auth-jwt-key or --auth-jwks`);
  }
  if (authParam !== undefined && authUrl === undefined) {
    refuse(`--auth-param=${authParam} carries a secret, so it needs --auth-jwt-key, --auth-jwks or --auth-url`);
  }
}

function checkHook({ authUrl, authCacheMs, authJwtKey, authJwks, authBasic }: Options): void {
  if (authUrl === undefined) {
    if (authCacheMs > 0) refuse(`--auth-cache=${authCacheMs / 1000} keeps what --auth-url answers, so it needs that`);
    return;
  }
  const given = [
    ["--auth-jwt-key", authJwtKey],
    ["--auth-jwks", authJwks],
    ["--auth-basic", authBasic],
  ] as const;
  for (const [flag, value] of given) {
    if (value === undefined) continue;
    refuse(`--auth-url asks the hook about every client, so it does not go together with ${flag}=${value}`);
  }
}
