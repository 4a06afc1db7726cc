import { unexpected } from "./complete.ts";
import { refuse } from "./refuse.ts";

/** The command to wrap, which stood at `source`. @throws ServerError ERR_USAGE */
export function checkCommand(value: unknown, source = "command"): string {
  if (isWord(value) && value !== "") return value;
  throw unexpected(source, "the command to wrap as text without NUL; its arguments stand in args", value);
}

/** The arguments of the command, which stood at `source`. @throws ServerError ERR_USAGE */
export function checkArgs(value: unknown, source = "args"): readonly string[] {
  if (Array.isArray(value) && value.every(isWord)) return value;
  const culprit: unknown = Array.isArray(value) ? value.find((arg) => !isWord(arg)) : value;
  throw unexpected(source, 'a list of texts without NUL, such as ["--level", "3"]', culprit);
}

/** Variables and their values. Any object of texts is one, whatever a program has declared to be in `NodeJS.ProcessEnv`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where variables for the processes are taken from. @throws ServerError ERR_USAGE */
export function checkEnvironment(value: unknown): Environment {
  if (typeof value !== "object" || value === null) {
    throw unexpected("environment", 'an object of texts, such as { PATH: "/usr/bin" }', value);
  }
  for (const [name, text] of Object.entries(value)) {
    // Without the value, which may be a secret.
    if (text !== undefined && !isWord(text)) refuse(`environment.${name}: expected text without NUL`);
  }
  return value as Environment;
}

/** For the system, a word ends at its first NUL. */
function isWord(value: unknown): value is string {
  return typeof value === "string" && !value.includes("\0");
}
