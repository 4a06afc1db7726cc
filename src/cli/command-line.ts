import { ServerError } from "../errors.ts";
import { completeOptions, namingsOf, type OptionName, type Options, variableOf } from "../options.ts";
import { applyCompat } from "./compat.ts";
import { type ConfigFile, readConfigFile } from "./config-file.ts";
import { type Given, type Layer, readLayers } from "./given.ts";
import { checkOthers } from "./misplaced.ts";
import { printConfig } from "./print-config.ts";
import { parseWords, type Words } from "./program.ts";

/** What a command line asks for: to run, or only to print something. */
export type CommandLine =
  | { readonly kind: "run"; readonly command: string; readonly args: readonly string[]; readonly options: Options }
  | { readonly kind: "print"; readonly text: string };

/** A command and what it gets. */
interface Wrapped {
  readonly command: string | undefined;
  readonly args: readonly string[];
}

const noFile: ConfigFile = { path: "", variables: {} };

/** Reads the words behind the program's name. @throws ServerError ERR_USAGE */
export function parseCommandLine(words: readonly string[], environment: NodeJS.ProcessEnv): CommandLine {
  const separator = words.indexOf("--");
  const ours = separator === -1 ? words : words.slice(0, separator);
  const asWritten = parseWords(ours);
  if (typeof asWritten === "string") return { kind: "print", text: asWritten };
  const file = findFile(asWritten, environment);
  const read = applyCompat(
    { words: ours, environment, file: file.variables },
    textIn("compat", asWritten, environment, file),
    file.path,
  );
  const parsed = read.words === ours ? asWritten : parseWords(read.words);
  if (typeof parsed === "string") return { kind: "print", text: parsed };
  checkOthers(ours, parsed.others);
  const given = readLayers([
    flagLayer(parsed.flags),
    variableLayer(read.environment),
    fileLayer(read.file, file.path),
    variableLayer(read.defaults),
  ]);
  return conclude(given, chooseCommand(parsed.others, separator === -1 ? undefined : words.slice(separator + 1), file));
}

function conclude(given: Given, { command, args }: Wrapped): CommandLine {
  const options = completeOptions(valuesOf(given));
  if (options.printConfig) return { kind: "print", text: printConfig(given, command, args) };
  if (command === undefined) throw missingCommand();
  return { kind: "run", command, args, options };
}

function valuesOf(given: Given): { [Name in OptionName]?: unknown } {
  return Object.fromEntries(Array.from(given, ([name, { value }]) => [name, value]));
}

/** The command of the line, else that of the file. Arguments behind `--` win over those of the file. */
function chooseCommand(words: readonly string[], args: readonly string[] | undefined, file: ConfigFile): Wrapped {
  const [command] = words;
  if (command === undefined) return { command: file.command, args: args ?? file.args ?? [] };
  if (command === "") throw missingCommand();
  return { command, args: args ?? [] };
}

function missingCommand(): ServerError {
  return new ServerError("ERR_USAGE", "the command to wrap is missing: scalesocket [OPTIONS] <CMD> [-- <ARGS>...]");
}

function findFile(words: Words, environment: NodeJS.ProcessEnv): ConfigFile {
  const path = textIn("config", words, environment, noFile);
  return path === undefined ? noFile : readConfigFile(path);
}

/** What is written for an option that says how the others are to be read. */
function textIn(
  name: OptionName,
  { flags }: Words,
  environment: NodeJS.ProcessEnv,
  { variables }: ConfigFile,
): string | undefined {
  const [naming] = namingsOf(name);
  const flag = flags[naming?.longFlag ?? ""];
  return (flag === true ? undefined : flag) ?? environment[variableOf(name)] ?? variables[variableOf(name)];
}

function flagLayer(flags: Words["flags"]): Layer {
  return {
    textOf({ longFlag }) {
      const text = flags[longFlag];
      return text === true ? "true" : text;
    },
    sourceOf: ({ longFlag }) => longFlag,
  };
}

function variableLayer(variables: NodeJS.ProcessEnv): Layer {
  return { textOf: ({ variable }) => variables[variable], sourceOf: ({ variable }) => variable };
}

function fileLayer(variables: NodeJS.ProcessEnv, path: string): Layer {
  return { textOf: ({ variable }) => variables[variable], sourceOf: ({ key }) => `${path}: ${key}` };
}
