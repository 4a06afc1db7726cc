import { parse as parseToml, TomlError } from "smol-toml";
import { ServerError } from "../errors.ts";
import { findJsonFault } from "./json-fault.ts";

/** How the text of a file is read, by the ending of its name. */
const readers: Readonly<Record<string, (text: string, path: string) => unknown>> = {
  json: readJson,
  toml: readToml,
};

/** What stands at the top of a configuration file, by its keys. @throws ServerError ERR_USAGE that tells line and column. */
export function parseConfigText(text: string, path: string): ReadonlyMap<string, unknown> {
  const [, ending = ""] = /\.([^./]+)$/.exec(path) ?? [];
  const read = Object.hasOwn(readers, ending.toLowerCase()) ? readers[ending.toLowerCase()] : undefined;
  if (read === undefined) {
    throw fault(`--config: expected a file whose name ends in .json or .toml, got ${JSON.stringify(path)}`);
  }
  const values = read(text, path);
  if (typeof values === "object" && values !== null && !Array.isArray(values)) return new Map(Object.entries(values));
  throw fault(`${path}: expected an object with options, such as {"addr": "127.0.0.1:9000"}`);
}

function readJson(text: string, path: string): unknown {
  const found = findJsonFault(text);
  if (found === undefined) return JSON.parse(text);
  const before = text.slice(0, found.offset).split("\n");
  throw fault(`${place(path, before.length, (before.at(-1) ?? "").length + 1)}: not JSON: ${found.message}`);
}

function readToml(text: string, path: string): unknown {
  try {
    return parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [what = ""] = error.message.split("\n");
    const reason = what.replace(/^Invalid TOML document: /, "");
    throw fault(`${place(path, error.line, error.column)}: not TOML: ${reason}`, error);
  }
}

function place(path: string, line: number, column: number): string {
  return `${path}: line ${line}, column ${column}`;
}

function fault(message: string, cause?: unknown): ServerError {
  return new ServerError("ERR_USAGE", message, { cause });
}
