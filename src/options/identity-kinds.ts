import { textLike } from "./kinds.ts";
import type { Common, OptionSpec } from "./spec.ts";

const parameterPattern = /^[A-Za-z0-9_.~-]{1,64}$/;

/** A text that is not empty: a variable that is set to nothing must not switch off what protects the server. */
export function presentText(common: Common & { expected: string }): OptionSpec<string | undefined> {
  const { expected, ...rest } = common;
  return textLike({ ...rest, expected: `${expected}, not nothing` }, (value) => value.trim() !== "");
}

/** The name of a query parameter that needs no escapes. */
export function parameterName(common: Common): OptionSpec<string | undefined> {
  const expected = "1 to 64 characters out of letters, digits and _.~-";
  return textLike({ ...common, expected }, (value) => parameterPattern.test(value));
}

/** The address of a web server that is asked for something. */
export function webUrl(common: Common & { isLoopbackOnlyWithoutTls: boolean }): OptionSpec<string | undefined> {
  const { isLoopbackOnlyWithoutTls, ...rest } = common;
  const expected = isLoopbackOnlyWithoutTls
    ? "an https URL, or an http URL of 127.0.0.1, [::1] or localhost"
    : "an http or https URL";
  return textLike({ ...rest, expected }, (value) => {
    if (!URL.canParse(value)) return false;
    const url = new URL(value);
    if (url.protocol === "https:") return true;
    return url.protocol === "http:" && (!isLoopbackOnlyWithoutTls || isLoopbackUrl(url));
  });
}

/** Whether what is sent to a URL stays on this machine. */
export function isLoopbackUrl({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}
