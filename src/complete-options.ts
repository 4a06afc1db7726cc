import { ServerError } from "./errors.ts";
import type { OptionSpec } from "./option-kinds.ts";
import { type OptionName, optionNames, type Options, optionTable } from "./options.ts";

/** In JSON a byte may take six characters, and Node has no longer strings than 512M. */
const longestTaggedLineBytes = 64 * 1024 ** 2;

/** Reads one option's text, which stood at `source`. @throws ServerError ERR_USAGE */
export function parseOption(name: OptionName, value: string, source: string): unknown {
  const spec: OptionSpec<unknown> = optionTable[name];
  const parsed = spec.parse(value);
  if (parsed === undefined) throw unexpected(source, spec.expected, value);
  return parsed;
}

/** Fills in defaults, and checks each value and what goes together. @throws ServerError ERR_USAGE */
export function completeOptions(given: { readonly [Name in OptionName]?: unknown }): Options {
  const options: Record<string, unknown> = {};
  for (const name of optionNames) {
    const spec: OptionSpec<unknown> = optionTable[name];
    const value = given[name] ?? defaultOf(spec);
    if (value !== undefined && !spec.check(value)) throw unexpected(name, spec.expected, value);
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

function checkTogether(options: Options): void {
  const { binary, frame, stderr, maxLineBytes, prewarm, tcp } = options;
  if (binary && frame !== undefined) {
    throw clash(`--binary passes bytes through as they come, so it does not go together with --frame=${frame}`);
  }
  if (prewarm > 0 && tcp) {
    throw clash(
      `--prewarm=${prewarm} does not go together with --tcp: a port is given to a room, which is not known yet`,
    );
  }
  if (stderr !== "clients") return;
  if (binary || frame !== undefined) {
    const other = binary ? "--binary" : `--frame=${frame}`;
    throw clash(`--stderr=clients sends lines in messages of its own, so it does not go together with ${other}`);
  }
  if (maxLineBytes > longestTaggedLineBytes) {
    throw clash(`--stderr=clients does not go together with --maxline=${maxLineBytes}: it takes lines of up to 64M`);
  }
}

function clash(message: string): ServerError {
  return new ServerError("ERR_USAGE", message);
}

/** The error of a value that is not what is expected where it stood. */
export function unexpected(source: string, expected: string, value: unknown): ServerError {
  return new ServerError("ERR_USAGE", `${source}: expected ${expected}, got ${JSON.stringify(value)}`);
}
