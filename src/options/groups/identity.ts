import { parameterName, presentText, webUrl } from "../identity-kinds.ts";
import { seconds } from "../kinds.ts";

/** What clients have to show before they come in. */
export const identityOptions = {
  authJwtKey: presentText({
    flag: "--auth-jwt-key <FILE>",
    group: "identity",
    expected: "the path of a file",
    help:
      "Let in whoever shows a JWT that this key has signed: a PEM public key or certificate, a JWK or JWKS, or a secret " +
      "of 32 bytes or more (HS256)",
  }),
  authJwks: webUrl({
    flag: "--auth-jwks <URL>",
    group: "identity",
    isLoopbackOnlyWithoutTls: true,
    help: "Let in whoever shows a JWT that a key of this set has signed (https, or http on this machine)",
  }),
  authAudience: presentText({
    flag: "--auth-audience <NAME>",
    group: "identity",
    expected: "a name",
    help: "Take only tokens that are meant for this audience (aud)",
  }),
  authIssuer: presentText({
    flag: "--auth-issuer <NAME>",
    group: "identity",
    expected: "a name",
    help: "Take only tokens of this issuer (iss)",
  }),
  authParam: parameterName({
    flag: "--auth-param <NAME>",
    group: "identity",
    help: "Take a token also from this query parameter, which is neither logged nor handed on to processes",
  }),
  authUrl: webUrl({
    flag: "--auth-url <URL>",
    group: "identity",
    isLoopbackOnlyWithoutTls: false,
    help: "Ask this web hook about each client: it is sent the request as JSON, and answers with 200, 401 or 403",
  }),
  authCacheMs: seconds({
    flag: "--auth-cache <SECONDS>",
    group: "identity",
    min: 0,
    max: 86_400,
    default: 0,
    help: "Keep answers of the web hook this long for requests that are the same in all that the hook is sent",
  }),
  authBasic: presentText({
    flag: "--auth-basic <FILE>",
    group: "identity",
    expected: "the path of a file",
    help:
      "Ask for a user and a password out of this file (htpasswd with bcrypt, or argon2), for rooms and all else but " +
      "/health",
  }),
} as const;
