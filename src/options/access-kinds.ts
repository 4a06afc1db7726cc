import { isIP } from "node:net";
import { canonicalOrigin, parseAuthority } from "../web-origin.ts";
import type { Common, OptionSpec } from "./spec.ts";

/** Origins of web pages. */
export function origins(common: Common): OptionSpec<readonly string[]> {
  const expected =
    "origins with commas between them, each a scheme and a host and nothing behind them but a port, such as " +
    "https://example.com or http://localhost:3000";
  return list({ ...common, expected }, isOrigin);
}

/** Pages of these schemes do not exist: whoever writes them means http or https. */
const websocketScheme = /^wss?:/i;

function isOrigin(text: string): boolean {
  return canonicalOrigin(text) !== undefined && !websocketScheme.test(text);
}

/** Hosts under which a server is asked. */
export function hosts(common: Common): OptionSpec<readonly string[]> {
  const expected =
    "hosts with commas between them, with or without a port, such as example.com, localhost:9000 or [::1], or * for all";
  return list(
    { ...common, expected },
    (text) => text === "*" || isIP(text) === 6 || parseAuthority(text) !== undefined,
  );
}

/** Names of ranges that npm `proxy-addr` knows, and one for what comes over a unix socket. */
const namedRanges = new Set(["loopback", "linklocal", "uniquelocal", "unix"]);

/** Addresses, and ranges of them. */
export function addressRanges(common: Common): OptionSpec<readonly string[]> {
  const expected =
    "addresses with commas between them, ranges such as 10.0.0.0/8 or fd00::/8, or the names " +
    [...namedRanges].join(", ");
  return list({ ...common, expected }, (text) => namedRanges.has(text) || isAddressRange(text));
}

/** A range of everything would trust everybody, so there is none. */
function isAddressRange(text: string): boolean {
  const [, address = "", bits] = /^([0-9A-Fa-f:.]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0) return false;
  const most = version === 4 ? 32 : 128;
  return bits === undefined || (Number(bits) >= 1 && Number(bits) <= most);
}

/** Texts with commas between them, at least one. */
function list(
  common: Common & { readonly expected: string },
  isValid: (text: string) => boolean,
): OptionSpec<readonly string[]> {
  const areValid = (texts: readonly unknown[]): boolean =>
    texts.length > 0 && texts.every((text) => typeof text === "string" && isValid(text));
  return {
    ...common,
    defaultText: undefined,
    bareText: undefined,
    parse(value) {
      const texts = value.split(",").map((text) => text.trim());
      return areValid(texts) ? texts : undefined;
    },
    check: (value) => Array.isArray(value) && areValid(value),
  };
}
