import { Command, CommanderError, Option } from "commander";
import { ServerError } from "../errors.ts";
import {
  isValueOfOption,
  longFlag,
  namingsOf,
  optionGroups,
  type OptionName,
  type OptionNaming,
  optionNames,
  type OptionSpec,
  optionTable,
  optionWithOpenValue,
  unexpected,
} from "../options.ts";
import { version } from "../version.ts";
import { adviceOn } from "./misplaced.ts";

/** The words before `--`, sorted. */
export interface Words {
  /** What was written behind each long flag; true for a mere flag. */
  readonly flags: Readonly<Record<string, string | true>>;
  /** Words that belong to no flag. */
  readonly others: readonly string[];
}

const summary = "One command turns any program into a multiplayer websocket backend";

const footer = `
What follows -- goes to the command untouched. Each option can also be set by an
environment variable: SCALESOCKET_ and its name in capitals, such as SCALESOCKET_ADDR,
or in a file (--config).`;

/** Sorts words, or returns what they ask to be printed. @throws ServerError ERR_USAGE where a flag is unknown or has no value. */
export function parseWords(words: readonly string[]): Words | string {
  let printed = "";
  const program = createProgram((text) => {
    printed += text;
  });
  try {
    program.parse(withoutOpenValues(words), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return printed;
    throw new ServerError("ERR_USAGE", explain(error, program.args), { cause: error });
  }
  return { flags: program.opts<Words["flags"]>(), others: program.args };
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
  const option = new Option(naming.flag, help).helpGroup(`${optionGroups[spec.group]}:`);
  option.attributeName = () => naming.longFlag;
  const { list } = spec;
  if (list !== undefined) {
    option.argParser((text, before?: string) => {
      if (list.separator === "\n" && text.includes("\n")) throw unexpected(naming.longFlag, spec.expected, text);
      return joinLists([before, text], list.separator);
    });
  }
  if (spec.isCounted) option.argParser((_value, before?: string) => countOneMore(spec, before));
  return option;
}

function countOneMore(spec: OptionSpec<unknown>, before = "0"): string {
  const more = String(Number(before) + 1);
  return spec.parse(more) === undefined ? before : more;
}

function joinLists(texts: readonly (string | undefined)[], separator: string): string {
  return texts.filter((text) => text !== undefined && text.trim() !== "").join(separator);
}

/** The help of an option with what it is without it and what it may be. */
function describe(spec: OptionSpec<unknown>): string {
  const standard = spec.defaultText ?? spec.fallbackText;
  const notes = [
    spec.expected.startsWith("one of ") ? spec.expected : "",
    standard === undefined || spec.isCounted ? "" : `default: ${standard || "none"}`,
    spec.bareText === undefined || !spec.flag.includes("[") ? "" : `alone: ${spec.bareText}`,
  ].filter((note) => note !== "");
  return notes.length === 0 ? spec.help : `${spec.help} [${notes.join("; ")}]`;
}

/** The words are those of no known option: an unknown one, what stands before it, and behind. */
function explain(error: CommanderError, words: readonly string[]): string {
  const message = error.message.replace(/^error: /, "");
  const [, flag] = /^unknown option '(--[^=']+)=/.exec(message) ?? [];
  const explained = flag === undefined ? message : explainUnknown(flag);
  const [command = "-?", ...args] = words;
  // Where one is like it, it is followed by that.
  const isOfCommand = /^unknown option '[^']+'$/.test(explained) && !/^-./.test(command);
  return isOfCommand ? `${explained}; ${adviceOn(command, args)}` : explained;
}

/** Commander finds a flag that is like an unknown one only where no value stands behind it. */
function explainUnknown(flag: string): string {
  try {
    createProgram(() => undefined).parse([flag], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError && error.code === "commander.unknownOption") return explain(error, []);
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
