import { type Header, isForAllAnswers } from "../answer-headers.ts";
import { httpToken } from "../http-token.ts";
import { segment, segmentCharacters } from "../room-name.ts";
import { list, textList } from "./list-kinds.ts";
import type { Common, OptionSpec } from "./spec.ts";

const maxName = 256;
const headerValue = /^[\t\x20-\x7e]{0,4096}$/;

/** Headers that are put on all answers. */
export function headers(common: Common): OptionSpec<readonly Header[]> {
  const one = {
    ...common,
    expected: "a header",
    expectedValue:
      "{ name, value } in printable ASCII, with no header that answers have of their own, such as Content-Type",
    defaultText: undefined,
    bareText: undefined,
    parse(text: string) {
      const colon = text.indexOf(":");
      const header = { name: text.slice(0, Math.max(colon, 0)), value: text.slice(colon + 1).trim() };
      return isHeader(header) ? header : undefined;
    },
    check: isHeader,
  };
  return list(one, {
    separator: "\n",
    min: 0,
    expected: "Name: value in printable ASCII, with no header that answers have of their own, such as Content-Type",
  });
}

function isHeader(header: unknown): boolean {
  const { name, value } = Object(header) as Partial<Record<keyof Header, unknown>>;
  if (typeof name !== "string" || typeof value !== "string") return false;
  return isName(name) && isForAllAnswers(name) && headerValue.test(value);
}

function isName(value: string): boolean {
  return value.length <= maxName && httpToken.test(value);
}

/** Names of websocket subprotocols (RFC 6455 section 4.1). */
export function subprotocols(common: Common): OptionSpec<readonly string[] | undefined> {
  return textList(common, isName, { min: 1, items: "names of subprotocols" });
}

const basePathPattern = new RegExp(`^(?:/(?!\\.{1,2}(?:/|$))${segment})*$`);
const maxBasePath = 256;

/** A path below which everything is; empty where that is all of them. */
export function basePath(common: Common & { default: string }): OptionSpec<string> {
  const { default: defaultText, ...rest } = common;
  return {
    ...rest,
    expected: `a path such as / or /games, whose segments are ${segmentCharacters}`,
    expectedValue: `a path such as /games without a slash at its end, or an empty text for /, whose segments are ${segmentCharacters}`,
    defaultText,
    bareText: undefined,
    parse(text) {
      const path = text.replace(/\/$/, "");
      return text.startsWith("/") && isBasePath(path) ? path : undefined;
    },
    check: isBasePath,
  };
}

function isBasePath(value: unknown): boolean {
  return typeof value === "string" && value.length <= maxBasePath && basePathPattern.test(value);
}
