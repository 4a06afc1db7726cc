import { isValueOfOption, readFlag, variableOf, variableOfFlag } from "../options.ts";

/** Options by their variables, with what would be written there. */
type Variables = Readonly<Record<string, string>>;

/** How another version read a command line. */
interface Compat {
  /** What it took for granted. */
  readonly defaults: Variables;
  /** What a flag without a value meant, where that is something else now. */
  readonly bareValues: Readonly<Record<string, string>>;
  /** Flags that stood for several options; what is given for those wins. */
  readonly macros: Readonly<Record<string, Variables>>;
}

/** All that options are read from: a command line, its environment, and what a configuration file says by their variables. */
interface Sources {
  readonly words: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly file: NodeJS.ProcessEnv;
}

/** The same, as it is to be read. */
export interface Reading extends Sources {
  /** What holds where nothing else is said. */
  readonly defaults: Variables;
}

const compatTable = new Map<string, Compat>([
  [
    "0.2",
    {
      defaults: { [variableOf("fromField")]: "_from", [variableOf("toField")]: "_to" },
      bareValues: { "--frame": "json" },
      macros: {
        "--json": {
          [variableOf("frame")]: "json",
          [variableOf("joinMessage")]: '{"t":"Join","_from":#ID}',
          [variableOf("leaveMessage")]: '{"t":"Leave","_from":#ID}',
        },
      },
    },
  ],
]);

/**
 * Rewrites what is to be read as by another version (`--compat`); anything else stays as it is. `path` is the file's.
 * @throws ServerError ERR_USAGE where what stands for a flag says neither that it is set nor that it is not.
 */
export function applyCompat(sources: Sources, version: string | undefined, path: string): Reading {
  const compat = compatTable.get(version ?? "");
  if (compat === undefined) return { ...sources, defaults: {} };
  const { words, environment, file } = sources;
  const kept: string[] = [];
  const fromFlags: Record<string, string> = {};
  for (const [index, word] of words.entries()) {
    if (isValueOfOption(words, index)) kept.push(word);
    else if (Object.hasOwn(compat.macros, word)) Object.assign(fromFlags, compat.macros[word]);
    else if (Object.hasOwn(compat.bareValues, word)) kept.push(`${word}=${compat.bareValues[word]}`);
    else kept.push(word);
  }
  return {
    words: kept,
    environment: { ...withoutMacros(environment, compat, variableOfFlag), ...fromFlags },
    file: withoutMacros(file, compat, (flag) => `${path}: ${flag.slice(2)}`),
    defaults: compat.defaults,
  };
}

/** What the variable of such a flag stands for is set in its place, unless it is set itself. */
function withoutMacros(
  from: NodeJS.ProcessEnv,
  { macros }: Compat,
  sourceOf: (flag: string) => string,
): NodeJS.ProcessEnv {
  let read = from;
  for (const [flag, variables] of Object.entries(macros)) {
    const { [variableOfFlag(flag)]: text, ...rest } = read;
    read = text !== undefined && readFlag(text, sourceOf(flag)) ? { ...variables, ...rest } : rest;
  }
  return read;
}
