import { ServerError } from "./errors.ts";
import type { OptionSpec } from "./option-kinds.ts";
import { type OptionName, optionNames, type Options, optionTable } from "./option-table.ts";

export { type OptionName, optionNames, type Options, optionTable };

/** The long flag of an option, such as `--addr`. */
export function longFlag(name: OptionName): string {
  return /--[a-z-]+/.exec(optionTable[name].flag)?.[0] ?? name;
}

/** The environment variable of an option, such as `SCALESOCKET_ADDR`. */
export function variableOf(name: OptionName): string {
  return `SCALESOCKET_${longFlag(name).slice(2).toUpperCase().replaceAll("-", "_")}`;
}

/** Reads one option's text, which stood at `source`. @throws ServerError ERR_USAGE */
export function parseOption(name: OptionName, value: string, source: string): unknown {
  const spec: OptionSpec<unknown> = optionTable[name];
  const parsed = spec.parse(value);
  if (parsed === undefined) throw unexpected(source, spec, JSON.stringify(value));
  return parsed;
}

/** Fills in defaults, and checks each value and what goes together. @throws ServerError ERR_USAGE */
export function completeOptions(given: { readonly [Name in OptionName]?: unknown }): Options {
  const options: Record<string, unknown> = {};
  for (const name of optionNames) {
    const spec: OptionSpec<unknown> = optionTable[name];
    const value = given[name] ?? defaultOf(spec);
    if (value !== undefined && !spec.check(value)) throw unexpected(name, spec, JSON.stringify(value));
    options[name] = value;
  }
  const complete = options as Options;
  checkTogether(complete);
  return complete;
}

function defaultOf(spec: OptionSpec<unknown>): unknown {
  if (spec.defaultText !== undefined) return spec.parse(spec.defaultText);
  return spec.bareText === "true" ? false : undefined;
}

function checkTogether({ binary, frame, oneshot, lingerMs }: Options): void {
  if (binary && frame !== undefined) {
    throw new ServerError(
      "ERR_USAGE",
      `--binary passes bytes through as they come, so it does not go together with --frame=${frame}`,
    );
  }
  if (oneshot && lingerMs > 0) {
    throw new ServerError(
      "ERR_USAGE",
      `--oneshot lets nobody come back, so it does not go together with --linger=${lingerMs / 1000}`,
    );
  }
}

function unexpected(source: string, spec: OptionSpec<unknown>, value: string): ServerError {
  return new ServerError("ERR_USAGE", `${source}: expected ${spec.expected}, got ${value}`);
}
