import { roomNameFault } from "../room-name.ts";
import { textLike } from "./kinds.ts";
import { textList } from "./list-kinds.ts";
import type { Common, OptionSpec } from "./spec.ts";

const variableName = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Names of environment variables. */
export function variableNames(common: Common & { default: string }): OptionSpec<readonly string[]> {
  return textList(common, isVariableName, { min: 0, items: "names of variables" });
}

/** Names of rooms, none of them with a comma. */
export function roomNames(common: Common): OptionSpec<readonly string[] | undefined> {
  return textList(common, isRoomName, { min: 1, items: "names of rooms", each: "none of them reserved" });
}

/** No character that JSON can spell in more than one way, but for its `\u`. */
const fieldNamePattern = /^[A-Za-z0-9_$.:@-]{1,64}$/;

/** The name of a top-level field in JSON. */
export function fieldName(common: Common & { default: string }): OptionSpec<string> {
  const expected = "1 to 64 characters out of letters, digits and _$.:@-";
  return textLike({ ...common, expected }, (value) => fieldNamePattern.test(value));
}

function isVariableName(value: string): boolean {
  return variableName.test(value);
}

function isRoomName(value: string): boolean {
  return roomNameFault(value) === undefined;
}
