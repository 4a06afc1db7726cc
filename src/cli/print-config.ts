import { type OptionName, optionNames, type OptionSpec, optionTable, parseFlag, namingsOf } from "../options.ts";
import { isForFile } from "./config-file.ts";
import type { Given } from "./given.ts";

/** All that is in force, as a configuration file that says the same. Options without default are there if they were given. */
export function printConfig(given: Given, command: string | undefined, args: readonly string[]): string {
  const config: Record<string, unknown> = command === undefined ? {} : { command, args };
  for (const name of optionNames.filter(isForFile)) {
    const value = valueOf(name, given);
    if (value !== undefined) config[namingsOf(name)[0]?.key ?? name] = value;
  }
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** In the type that a person would write it in. */
function valueOf(name: OptionName, given: Given): unknown {
  const spec: OptionSpec<unknown> = optionTable[name];
  const text = given.get(name)?.text ?? spec.defaultText;
  if (spec.bareText === "true") return parseFlag(text ?? "");
  if (text === undefined) return undefined;
  if (spec.list !== undefined) return spec.list.split(text);
  return typeof spec.parse(text) === "number" && String(Number(text)) === text ? Number(text) : text;
}
