import type { Common, OptionSpec } from "./spec.ts";

/** A host and a port to listen on. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const highestPort = 65_535;

export function address(common: Common & { default: string }): OptionSpec<Address> {
  const { default: defaultText, ...rest } = common;
  return {
    ...rest,
    expected: "HOST:PORT with a port from 0 to 65535, such as 127.0.0.1:9000 or [::1]:9000",
    defaultText,
    bareText: undefined,
    parse: parseAddress,
    check: (value) => isRecord(value) && typeof value["host"] === "string" && isPort(value["port"], 0),
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

function isPort(value: unknown, lowest: number): boolean {
  return Number.isInteger(value) && Number(value) >= lowest && Number(value) <= highestPort;
}

function isPortRange(start: unknown, end: unknown): boolean {
  return isPort(start, 1) && isPort(end, 1) && Number(start) <= Number(end);
}
