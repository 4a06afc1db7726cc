import { roomNameFault } from "../room-name.ts";
import type { Common, OptionSpec } from "./spec.ts";

const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Names of environment variables. */
export function variableNames(common: Common & { default: string }): OptionSpec<readonly string[]> {
  const { default: defaultText, ...rest } = common;
  return {
    ...rest,
    expected: "names of variables with commas between them, or nothing",
    defaultText,
    bareText: undefined,
    parse(value) {
      const names = value === "" ? [] : value.split(",").map((name) => name.trim());
      return areVariableNames(names) ? names : undefined;
    },
    check: (value) => Array.isArray(value) && areVariableNames(value),
  };
}

/** Names of rooms, none of them with a comma. */
export function roomNames(common: Common): OptionSpec<readonly string[]> {
  return {
    ...common,
    expected: "names of rooms with commas between them",
    defaultText: undefined,
    bareText: undefined,
    parse(value) {
      const names = value.split(",").map((name) => name.trim());
      return areRoomNames(names) ? names : undefined;
    },
    check: (value) => Array.isArray(value) && areRoomNames(value),
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

function areVariableNames(names: readonly unknown[]): boolean {
  return names.every((name) => typeof name === "string" && variableName.test(name));
}

function areRoomNames(names: readonly unknown[]): boolean {
  const areValid = names.every((name) => typeof name === "string" && roomNameFault(name) === undefined);
  return areValid && names.length > 0;
}
