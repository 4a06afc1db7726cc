import { roomNameFault } from "../room-name.ts";
import { list } from "./list-kinds.ts";
import type { Common, OptionSpec } from "./spec.ts";

const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Names of environment variables. */
export function variableNames(common: Common & { default: string }): OptionSpec<readonly string[]> {
  return list(name(common, isVariableName), {
    separator: ",",
    min: 0,
    expected: "names of variables with commas between them, or nothing",
  });
}

/** Names of rooms, none of them with a comma. */
export function roomNames(common: Common): OptionSpec<readonly string[]> {
  return list(name(common, isRoomName), {
    separator: ",",
    min: 1,
    expected: "names of rooms with commas between them",
  });
}

/** One name, of which the list says what is expected. */
function name(
  { default: defaultText, ...rest }: Common & { default?: string },
  isName: (value: string) => boolean,
): OptionSpec<string> {
  return {
    ...rest,
    expected: "a name",
    defaultText,
    bareText: undefined,
    parse: (value) => (isName(value) ? value : undefined),
    check: (value) => typeof value === "string" && isName(value),
  };
}

/** No character that JSON can spell in more than one way, but for its `\u`. */
const fieldNamePattern = /^[A-Za-z0-9_$.:@-]{1,64}$/;

/** The name of a top-level field in JSON. */
export function fieldName(common: Common & { default: string }): OptionSpec<string> {
  const { default: defaultText, ...rest } = common;
  return {
    ...rest,
    expected: "1 to 64 characters out of letters, digits and _$.:@-",
    defaultText,
    bareText: undefined,
    parse: (value) => (fieldNamePattern.test(value) ? value : undefined),
    check: (value) => typeof value === "string" && fieldNamePattern.test(value),
  };
}

function isVariableName(value: string): boolean {
  return variableName.test(value);
}

function isRoomName(value: string): boolean {
  return roomNameFault(value) === undefined;
}
