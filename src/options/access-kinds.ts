import { isIP } from "node:net";
import { canonicalOrigin, parseAuthority } from "../web-origin.ts";
import { textList } from "./list-kinds.ts";
import type { Common, OptionSpec } from "./spec.ts";

/** Origins of web pages. */
export function origins(common: Common): OptionSpec<readonly string[] | undefined> {
  const each =
    "each a scheme and a host and nothing behind them but a port, such as https://example.com or http://localhost:3000";
  return textList(common, isOrigin, { min: 1, items: "origins", each });
}

/** Pages of these schemes do not exist: whoever writes them means http or https. */
const websocketScheme = /^wss?:/i;

function isOrigin(value: string): boolean {
  return canonicalOrigin(value) !== undefined && !websocketScheme.test(value);
}

/** Hosts under which a server is asked. */
export function hosts(common: Common): OptionSpec<readonly string[] | undefined> {
  const each = "with or without a port, such as example.com, localhost:9000 or [::1], or * for all";
  return textList(common, isHost, { min: 1, items: "hosts", each });
}

function isHost(value: string): boolean {
  return value === "*" || isIP(value) === 6 || parseAuthority(value) !== undefined;
}

/** Names of ranges that npm `proxy-addr` knows, and one for what comes over a unix socket. */
const namedRanges = new Set(["loopback", "linklocal", "uniquelocal", "unix"]);

/** Addresses, and ranges of them. */
export function addressRanges(common: Common): OptionSpec<readonly string[] | undefined> {
  const each = `ranges such as 10.0.0.0/8 or fd00::/8, or the names ${[...namedRanges].join(", ")}`;
  return textList(common, isAddressRange, { min: 1, items: "addresses", each });
}

/** A range of everything would trust everybody, so there is none. */
function isAddressRange(value: string): boolean {
  if (namedRanges.has(value)) return true;
  const [, address = "", bits] = /^([0-9A-Fa-f:.]+)(?:\/(\d{1,3}))?$/.exec(value) ?? [];
  const version = isIP(address);
  if (version === 0) return false;
  const most = version === 4 ? 32 : 128;
  return bits === undefined || (Number(bits) >= 1 && Number(bits) <= most);
}
