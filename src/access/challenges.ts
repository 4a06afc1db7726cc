import { RefusedError } from "../errors.ts";

/** What a client can show to come in, as `WWW-Authenticate` names it (RFC 7617, RFC 6750). */
export const challenges = {
  basic: 'Basic realm="scalesocket", charset="UTF-8"',
  bearer: 'Bearer realm="scalesocket"',
} as const;

/** 401 for somebody who has shown nothing, with all that could be shown. */
export function nothingShown(wanted: readonly string[]): RefusedError {
  return new RefusedError(401, "show who you are", { "WWW-Authenticate": wanted.join(", ") });
}

/** 401 for a password that does not fit, or a user that nobody is: the client does not learn which. */
export function wrongPassword(detail: string): RefusedError {
  return new RefusedError(401, "wrong user or password", { "WWW-Authenticate": challenges.basic }, detail);
}

/** 401 for a token that does not count; `text` is for the client, `detail` for the log. */
export function badToken(text: string, detail: string): RefusedError {
  const challenge = `${challenges.bearer}, error="invalid_token", error_description="${text}"`;
  return new RefusedError(401, text, { "WWW-Authenticate": challenge }, detail);
}

/** 400 for a request that shows several tokens. */
export function severalTokens(): RefusedError {
  const challenge = `${challenges.bearer}, error="invalid_request"`;
  return new RefusedError(400, "different tokens in one request", { "WWW-Authenticate": challenge });
}

/** 503 where it cannot be found out who somebody is: then nobody comes in. */
export function cannotTell(detail: string): RefusedError {
  return RefusedError.forNow("cannot check who you are, try again later", detail);
}
