import { isDeepStrictEqual } from "node:util";
import { Command, CommanderError, Option } from "commander";
import { ServerError } from "../errors.ts";
import {
  completeOptions,
  expectedOfFlag,
  isValueOfOption,
  longFlag,
  namingsOf,
  type OptionGroup,
  optionGroups,
  type OptionName,
  type OptionNaming,
  optionNames,
  type Options,
  type OptionSpec,
  optionTable,
  optionWithOpenValue,
  parseFlag,
  parseOption,
  unexpected,
} from "../options.ts";
import { version } from "../version.ts";
import { applyCompat } from "./compat.ts";

/** What a command line asks for: to run, or only to print something. */
export type CommandLine =
  | { readonly kind: "run"; readonly command: string; readonly args: readonly string[]; readonly options: Options }
  | { readonly kind: "print"; readonly text: string };

/** What was written behind each long flag; true for a mere flag. */
type FlagTexts = Readonly<Record<string, string | true>>;

/** What was written for an option under one of its names, on the command line or in the environment. */
interface Given {
  readonly naming: OptionNaming;
  /** The flag or the variable. */
  readonly source: string;
  readonly text: string;
}

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
    program.parse(withoutOpenValues(ours.words), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: "print", text: printed };
    throw new ServerError("ERR_USAGE", explain(error), { cause: error });
  }
  const [command, ...excess] = program.args;
  checkWords(command, excess);
  const texts = program.opts<FlagTexts>();
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
  for (const name of optionNames) {
    for (const naming of namingsOf(name)) program.addOption(createOption(name, naming));
  }
  return program;
}

function createOption(name: OptionName, naming: OptionNaming): Option {
  const spec: OptionSpec<unknown> = optionTable[name];
  const isAlias = naming.flag !== spec.flag;
  const help = isAlias ? `Same as ${longFlag(name)} ${naming.means ?? ""}`.trimEnd() : describe(spec);
  const option = new Option(naming.flag, help).helpGroup(`${optionGroups[spec.group satisfies OptionGroup]}:`);
  option.attributeName = () => naming.longFlag;
  const { list } = spec;
  if (list !== undefined) option.argParser((text, before?: string) => joinLists([before, text], list.separator));
  if (spec.isCounted) option.argParser((_value, before: unknown) => String(Number(before ?? 0) + 1));
  return option;
}

function joinLists(texts: readonly (string | undefined)[], separator: string): string {
  return texts.filter((text) => text !== undefined && text.trim() !== "").join(separator);
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
function withoutOpenValues(words: readonly string[]): string[] {
  return words.map((word, index) => {
    const name = optionWithOpenValue(word);
    if (name === undefined || isValueOfOption(words, index)) return word;
    return `${word}=${optionTable[name].bareText}`;
  });
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

/** A flag wins over environment variables, and those over the default. */
function readOptions(texts: FlagTexts, environment: NodeJS.ProcessEnv): Options {
  const given: { [Name in OptionName]?: unknown } = {};
  for (const name of optionNames) {
    const namings = namingsOf(name);
    given[name] =
      readOption(
        name,
        namings.flatMap((naming) => fromFlag(naming, texts)),
      ) ??
      readOption(
        name,
        namings.flatMap((naming) => fromVariable(naming, environment)),
      );
  }
  return completeOptions(given);
}

function fromFlag(naming: OptionNaming, texts: FlagTexts): Given[] {
  const text = texts[naming.longFlag];
  return text === undefined ? [] : [{ naming, source: naming.longFlag, text: text === true ? "true" : text }];
}

function fromVariable(naming: OptionNaming, environment: NodeJS.ProcessEnv): Given[] {
  const text = environment[naming.variable];
  return text === undefined ? [] : [{ naming, source: naming.variable, text }];
}

/** The value that all names say, under which the option was given. @throws ServerError where they say different ones */
function readOption(name: OptionName, given: readonly Given[]): unknown {
  const said = given.flatMap((one) => {
    const value = readValue(name, one);
    return value === undefined ? [] : [{ ...one, value }];
  });
  const [first, ...others] = said;
  const other = others.find(({ value }) => !isDeepStrictEqual(value, first?.value));
  if (first === undefined || other === undefined) return first?.value;
  throw new ServerError(
    "ERR_USAGE",
    `${written(first)} and ${written(other)} contradict each other: both set ${longFlag(name)}`,
  );
}

function readValue(name: OptionName, { naming, source, text }: Given): unknown {
  if (naming.means === undefined) return parseOption(name, text, source);
  const isSet = parseFlag(text);
  if (isSet === undefined) throw unexpected(source, expectedOfFlag, text);
  return isSet ? parseOption(name, naming.means, source) : undefined;
}

function written({ naming, source, text }: Given): string {
  return naming.means === undefined ? `${source}=${text}` : source;
}
