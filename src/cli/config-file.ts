import { closeSync, openSync, readSync } from "node:fs";
import { messageOf, ServerError } from "../errors.ts";
import {
  checkArgs,
  checkCommand,
  namingsOf,
  type OptionName,
  type OptionNaming,
  optionNames,
  type OptionSpec,
  optionTable,
  unexpected,
} from "../options.ts";
import { parseConfigText } from "./config-text.ts";
import { nearestOf } from "./nearest.ts";

const maxBytes = 256 * 1024;

/** What a configuration file says. */
export interface ConfigFile {
  readonly path: string;
  readonly command?: string;
  readonly args?: readonly string[];
  /** What would be written in environment variables, by their names. */
  readonly variables: Readonly<Record<string, string>>;
}

interface KnownKey {
  readonly name: OptionName;
  readonly naming: OptionNaming;
}

/** Reads a configuration file. @throws ServerError ERR_USAGE that names the file, the key and what is wrong. */
export function readConfigFile(path: string): ConfigFile {
  const { command, args, ...options } = Object.fromEntries(parseConfigText(readText(path), path));
  const known = knownKeys();
  const variables: Record<string, string> = {};
  for (const [key, value] of Object.entries(options)) {
    const found = known.get(key);
    if (found === undefined) throw unknownKey(path, key, value, [...known.keys(), "command", "args"]);
    variables[found.naming.variable] = textOf(found, value, `${path}: ${key}`);
  }
  return {
    path,
    ...(command === undefined ? {} : { command: checkCommand(command, `${path}: command`) }),
    ...(args === undefined ? {} : { args: checkArgs(args, `${path}: args`) }),
    variables,
  };
}

/** Options that say what to do with such a file cannot stand in one. */
export function isForFile(name: OptionName): boolean {
  return optionTable[name].group !== "configuration";
}

function knownKeys(): Map<string, KnownKey> {
  const names = optionNames.filter(isForFile);
  return new Map(names.flatMap((name) => namingsOf(name).map((naming) => [naming.key, { name, naming }])));
}

/** The value as it would be written in an environment variable. */
function textOf({ name, naming }: KnownKey, value: unknown, source: string): string {
  const { list, bareText, expected }: OptionSpec<unknown> = optionTable[name];
  const isFlag = naming.means !== undefined || bareText === "true";
  if (typeof value === "string" && !(list?.separator === "\n" && value.includes("\n"))) return value;
  if (typeof value === "number") return String(value);
  if (typeof value === "boolean" && isFlag) return String(value);
  if (!Array.isArray(value) || list === undefined) throw unexpected(source, expected, describe(value));
  const items = value.map((item: unknown) => (typeof item === "number" ? String(item) : item));
  const culprit = items.find((item) => typeof item !== "string" || list.split(item).length !== 1);
  if (culprit !== undefined) throw unexpected(source, expected, describe(culprit));
  return items.join(list.separator);
}

/** What of a value fits into a message. */
function describe(value: unknown): unknown {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return "[...]";
  return typeof value === "object" && value !== null ? "{...}" : value;
}

function unknownKey(path: string, key: string, value: unknown, known: readonly string[]): ServerError {
  const nearest = nearestOf(key, known);
  const isTable = typeof value === "object" && value !== null && !Array.isArray(value);
  const hint = isTable ? "; options stand at the top of the file, not in tables" : "";
  const question = nearest === undefined ? hint : ` (did you mean ${nearest}?)`;
  return new ServerError("ERR_USAGE", `${path}: unknown key ${JSON.stringify(key)}${question}`);
}

/** Reads no more than a little beyond the bound, since the file may have no end. */
function readText(path: string): string {
  const bytes = Buffer.alloc(maxBytes + 1);
  let length = 0;
  try {
    const descriptor = openSync(path, "r");
    try {
      for (let read = 1; read > 0 && length < bytes.length; length += read) {
        read = readSync(descriptor, bytes, length, bytes.length - length, null);
      }
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw new ServerError("ERR_USAGE", `--config: cannot read ${JSON.stringify(path)}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
  if (length > maxBytes) {
    throw new ServerError("ERR_USAGE", `--config: ${JSON.stringify(path)} is larger than ${maxBytes / 1024} KiB`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length));
  } catch (error) {
    throw new ServerError("ERR_USAGE", `--config: ${JSON.stringify(path)} is not UTF-8`, { cause: error });
  }
}

function reasonOf(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
      return "there is no such file";
    case "EACCES":
      return "permission denied";
    case "EISDIR":
      return "it is a folder";
    default:
      return messageOf(error);
  }
}
