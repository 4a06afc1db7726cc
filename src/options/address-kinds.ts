import { highestPort } from "../web-origin.ts";
import { list } from "./list-kinds.ts";
import type { Common, OptionSpec } from "./spec.ts";

/** A host and a port to listen on. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** An address as it is written: an IPv6 host stands in brackets. */
export function addressText({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

const addressExpected = "HOST:PORT with a port from 0 to 65535, such as 127.0.0.1:9000 or [::1]:9000";

export function address(common: Common): OptionSpec<Address | undefined> {
  return {
    ...common,
    expected: addressExpected,
    expectedValue: "{ host, port } with a host that is not empty and a port from 0 to 65535",
    defaultText: undefined,
    bareText: undefined,
    parse: parseAddress,
    // Node would take an empty host for all addresses of the machine.
    check: (value) => isRecord(value) && isText(value["host"]) && isPort(value["port"], 0),
  };
}

/** Where a server listens that was not told where. */
export const defaultAddress: Address = { host: "0.0.0.0", port: 9000 };

/** Several of them, at least one; {@link defaultAddress} where there is nothing else either. */
export function addresses(common: Common): OptionSpec<readonly Address[] | undefined> {
  const several = list(address(common), { separator: ",", min: 1, expected: addressExpected });
  return { ...several, fallbackText: addressText(defaultAddress) };
}

/** What the system has room for in the address of a unix socket, but for its last NUL. */
export const maxSocketPathBytes = 107;

/** The path of a unix socket. */
export function socketPath(common: Common): OptionSpec<string | undefined> {
  const isSocketPath = (value: unknown): value is string =>
    typeof value === "string" &&
    value !== "" &&
    !value.includes("\0") &&
    Buffer.byteLength(value) <= maxSocketPathBytes;
  return {
    ...common,
    expected: `a path of 1 to ${maxSocketPathBytes} bytes`,
    defaultText: undefined,
    bareText: undefined,
    parse: (value) => (isSocketPath(value) ? value : undefined),
    check: isSocketPath,
  };
}

const highestMode = 0o777;

/** Who may do what with a file, as chmod(1) takes it in octal digits. */
export function fileMode(common: Common & { default: string }): OptionSpec<number> {
  const { default: defaultText, ...rest } = common;
  return {
    ...rest,
    expected: "three octal digits, such as 660 (owner and group) or 666 (everyone)",
    expectedValue: "a number from 0 to 0o777",
    defaultText,
    bareText: undefined,
    parse: (value) => (/^0?[0-7]{3}$/.test(value) ? Number.parseInt(value, 8) : undefined),
    check: (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= highestMode,
  };
}

function parseAddress(value: string): Address | undefined {
  const [, bracketed, name, digits] = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^[\]:\s]+)):(\d{1,5})$/.exec(value) ?? [];
  const host = bracketed ?? name;
  const port = Number(digits);
  return host === undefined || !isPort(port, 0) ? undefined : { host, port };
}

/** Ports from `start` up to and including `end`. */
export function portRange(common: Common & { default: string }): OptionSpec<{ start: number; end: number }> {
  const { default: defaultText, ...rest } = common;
  return {
    ...rest,
    expected: "START:END with ports from 1 to 65535, the lower one first",
    expectedValue: "{ start, end } with ports from 1 to 65535, the lower one first",
    defaultText,
    bareText: undefined,
    parse(value) {
      const [, first, last] = /^(\d{1,5}):(\d{1,5})$/.exec(value) ?? [];
      const range = { start: Number(first), end: Number(last) };
      return isPortRange(range.start, range.end) ? range : undefined;
    },
    check: (value) => isRecord(value) && isPortRange(value["start"], value["end"]),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function isPort(value: unknown, lowest: number): boolean {
  return Number.isInteger(value) && Number(value) >= lowest && Number(value) <= highestPort;
}

function isPortRange(start: unknown, end: unknown): boolean {
  return isPort(start, 1) && isPort(end, 1) && Number(start) <= Number(end);
}
