import type { OptionSpec } from "./spec.ts";
import { type OptionName, optionNames, optionTable } from "./table.ts";

/** One of the names under which an option can be given: its own, or another one. */
export interface OptionNaming {
  /** As written on the command line, such as `-b, --binary` or `--addr <ADDR>`. */
  readonly flag: string;
  readonly longFlag: string;
  readonly variable: string;
  /** As in a configuration file, such as `addr`. */
  readonly key: string;
  /** The value that the name alone stands for; undefined where the value is written behind it. */
  readonly means: string | undefined;
}

/** All names of an option, its own first. */
export function namingsOf(name: OptionName): readonly OptionNaming[] {
  const spec: OptionSpec<unknown> = optionTable[name];
  return [spec, ...(spec.aliases ?? [])].map((named) =>
    toNaming(named.flag, "means" in named ? named.means : undefined),
  );
}

/** The long flag of an option, such as `--addr`. */
export function longFlag(name: OptionName): string {
  return longOf(optionTable[name].flag);
}

/** The environment variable of an option, such as `SCALESOCKET_ADDR`. */
export function variableOf(name: OptionName): string {
  return variableOfFlag(longFlag(name));
}

/** The option whose value may stand only behind `=` in this word, and need not be there. */
export function optionWithOpenValue(word: string): OptionName | undefined {
  return optionNames.find((name) => namingsOf(name).some((naming) => naming.longFlag === word && isOpen(naming.flag)));
}

/** The option that takes no value from the word behind this one. */
export function optionWithoutNext(word: string): OptionName | undefined {
  return optionNames.find((name) =>
    namingsOf(name).some(({ flag }) => !flag.includes("<") && flag.split(/[ ,]+/).includes(word)),
  );
}

/** Whether a word of a command line is the value of the option before it. */
export function isValueOfOption(words: readonly string[], index: number): boolean {
  const before = words[index - 1];
  const takesNext = optionNames
    .flatMap(namingsOf)
    .some((naming) => naming.longFlag === before && naming.flag.includes("<"));
  return takesNext && !isValueOfOption(words, index - 1);
}

function isOpen(flag: string): boolean {
  return flag.includes("[");
}

function toNaming(flag: string, means: string | undefined): OptionNaming {
  const long = longOf(flag);
  return { flag, longFlag: long, variable: variableOfFlag(long), key: long.slice(2), means };
}

function longOf(flag: string): string {
  return /--[a-z-]+/.exec(flag)?.[0] ?? flag;
}

/** The environment variable that goes with a long flag. */
export function variableOfFlag(flag: string): string {
  return `SCALESOCKET_${flag.slice(2).toUpperCase().replaceAll("-", "_")}`;
}
