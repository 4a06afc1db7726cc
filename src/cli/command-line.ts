import { Command, CommanderError, Option } from "commander";
import { ServerError } from "../errors.ts";
import { type OptionGroup, type OptionSpec, optionGroups } from "../option-kinds.ts";
import {
  completeOptions,
  longFlag,
  type OptionName,
  optionNames,
  type Options,
  optionTable,
  parseOption,
  variableOf,
} from "../options.ts";
import { version } from "../version.ts";
import { applyCompat } from "./compat.ts";

/** What a command line asks for: to run, or only to print something. */
export type CommandLine =
  | { readonly kind: "run"; readonly command: string; readonly args: readonly string[]; readonly options: Options }
  | { readonly kind: "print"; readonly text: string };

/** What was written for each option; true for a mere flag. */
type OptionTexts = Partial<Record<OptionName, string | true>>;

const summary = "One command turns any program into a multiplayer websocket backend";

const footer = `
What follows -- goes to the command untouched. Each option can also be set by an
environment variable: SCALESOCKET_ and its name in capitals, such as SCALESOCKET_ADDR.`;

/** Reads the words behind the program's name. @throws ServerError ERR_USAGE */
export function parseCommandLine(words: readonly string[], environment: NodeJS.ProcessEnv): CommandLine {
  const separator = words.indexOf("--");
  const ours = applyCompat(separator === -1 ? words : words.slice(0, separator), environment);
  const args = separator === -1 ? [] : words.slice(separator + 1);
  let printed = "";
  const program = createProgram((text) => {
    printed += text;
  });
  try {
    program.parse(ours.words.map(withoutOpenValue), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: "print", text: printed };
    throw new ServerError("ERR_USAGE", explain(error), { cause: error });
  }
  const [command, ...excess] = program.args;
  checkWords(command, excess);
  const texts = program.opts<OptionTexts>();
  return { kind: "run", command, args, options: readOptions(texts, ours.environment) };
}

function createProgram(write: (text: string) => void): Command {
  const program = new Command("scalesocket")
    .usage("[OPTIONS] <CMD> [-- <ARGS>...]")
    .description(`scalesocket ${version}\n${summary}`)
    .argument("[cmd]", "command to wrap")
    .argument("[args...]", "arguments to the command, behind --")
    .helpOption("-h, --help", "Print this help")
    .version(version, "-V, --version", "Print the version")
    .optionsGroup("Other:")
    .configureOutput({ writeOut: write, writeErr: () => undefined })
    .configureHelp({
      helpWidth: 100,
      optionTerm: (option) => option.flags.replace(" [MODE]", "[=MODE]"),
      optionDescription: (option) => option.description,
    })
    .exitOverride();
  program.addHelpText("after", footer);
  for (const name of optionNames) program.addOption(createOption(name, optionTable[name]));
  return program;
}

function createOption(name: OptionName, spec: OptionSpec<unknown>): Option {
  const option = new Option(spec.flag, describe(spec)).helpGroup(`${optionGroups[spec.group satisfies OptionGroup]}:`);
  option.attributeName = () => name;
  if (spec.isCounted) option.argParser((_value, before: unknown) => String(Number(before ?? 0) + 1));
  return option;
}

/** The help of an option with what it is without it and what it may be. */
function describe(spec: OptionSpec<unknown>): string {
  const notes = [
    spec.expected.startsWith("one of ") ? spec.expected : "",
    spec.defaultText === undefined || spec.isCounted ? "" : `default: ${spec.defaultText || "none"}`,
    spec.bareText === undefined || !spec.flag.includes("[") ? "" : `alone: ${spec.bareText}`,
  ].filter((note) => note !== "");
  return notes.length === 0 ? spec.help : `${spec.help} [${notes.join("; ")}]`;
}

function explain(error: CommanderError): string {
  const message = error.message.replace(/^error: /, "");
  const [, flag] = /^unknown option '(--[^=']+)=/.exec(message) ?? [];
  return flag === undefined ? message : explainUnknown(flag);
}

/** Commander finds a flag that is like an unknown one only where no value stands behind it. */
function explainUnknown(flag: string): string {
  try {
    createProgram(() => undefined).parse([flag], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError && error.code === "commander.unknownOption") return explain(error);
  }
  return `option '${flag}' takes no value`;
}

/** An option like `--frame[=MODE]` takes its value only with `=`, never from the next word. */
function withoutOpenValue(word: string): string {
  const name = optionNames.find((known) => longFlag(known) === word);
  const spec: OptionSpec<unknown> | undefined = name === undefined ? undefined : optionTable[name];
  return spec?.flag.includes("[") ? `${word}=${spec.bareText}` : word;
}

function checkWords(command: string | undefined, excess: readonly string[]): asserts command is string {
  if (command === undefined || command === "") {
    throw new ServerError("ERR_USAGE", "the command to wrap is missing: scalesocket [OPTIONS] <CMD> [-- <ARGS>...]");
  }
  if (excess.length === 0) return;
  const words = excess.map((word) => JSON.stringify(word)).join(" ");
  throw new ServerError(
    "ERR_USAGE",
    `unexpected ${words} behind the command; put arguments of the command after --: ` +
      `scalesocket ${command} -- ${excess.join(" ")}`,
  );
}

/** The flag wins over the environment variable, and that over the default. */
function readOptions(texts: OptionTexts, environment: NodeJS.ProcessEnv): Options {
  const given: { [Name in OptionName]?: unknown } = {};
  for (const name of optionNames) {
    const fromFlag = texts[name] === true ? "true" : texts[name];
    const fromEnvironment = environment[variableOf(name)];
    if (fromFlag !== undefined) given[name] = parseOption(name, fromFlag, longFlag(name));
    else if (fromEnvironment !== undefined) given[name] = parseOption(name, fromEnvironment, variableOf(name));
  }
  return completeOptions(given);
}
