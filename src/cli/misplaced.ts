import { ServerError } from "../errors.ts";
import { isValueOfOption, optionTable, optionWithoutNext } from "../options.ts";

/** Says where arguments of the command belong. */
export function adviceOn(command: string, args: readonly string[]): string {
  return `put arguments of the command after --: scalesocket ${command} -- ${args.join(" ")}`;
}

/**
 * Checks the words that belong to no option, among all that stand before `--`.
 * @throws ServerError ERR_USAGE where more than a command is there, or a value that was meant for an option.
 */
export function checkOthers(words: readonly string[], [command, ...excess]: readonly string[]): void {
  if (command === undefined) return;
  const others = new Set([command, ...excess]);
  const places = [...words.keys()].filter((at) => others.has(words[at] ?? "") && !isValueOfOption(words, at));
  const faults = places.map((at) => valueFault(words, at, excess.length > 0));
  const fault = faults.find((each) => each !== undefined);
  if (fault !== undefined) throw new ServerError("ERR_USAGE", fault);
  if (excess.length === 0) return;
  const at = words.indexOf(command);
  // A short flag among arguments is rather one of the command.
  const args = words.slice(at + 1).filter((word) => excess.includes(word) || /^-\w/.test(word));
  throw new ServerError(
    "ERR_USAGE",
    `unexpected ${excess.map((word) => JSON.stringify(word)).join(" ")} behind the command; ${adviceOn(command, args)}`,
  );
}

/** What is wrong where a word is rather the value of the option before it; `true` may be a command if it is the only word. */
function valueFault(words: readonly string[], at: number, isFollowed: boolean): string | undefined {
  const [flag = "", text = ""] = words.slice(Math.max(at - 1, 0), at + 1);
  const name = at > 0 && !isValueOfOption(words, at - 1) ? optionWithoutNext(flag) : undefined;
  if (name === undefined || optionTable[name].parse(text) === undefined) return undefined;
  if (optionTable[name].flag.includes("[")) return `${flag} takes its value with =: ${flag}=${text}`;
  return isFollowed ? `${flag} takes no value, got ${JSON.stringify(text)}` : undefined;
}
