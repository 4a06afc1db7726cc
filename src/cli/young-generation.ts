import { setFlagsFromString } from "node:v8";

/**
 * Keeps the young generation of this process's heap as it is. What thousands of handshakes leave behind makes V8 triple it to
 * 48 MiB, which a process that only hands clients over does not need. What a person has said about it is left alone.
 */
export function keepYoungGenerationSmall(nodeFlags: readonly string[], { NODE_OPTIONS = "" }: NodeJS.ProcessEnv): void {
  const isChosen = [...nodeFlags, NODE_OPTIONS].some((words) => /semi[-_]space/.test(words));
  if (!isChosen) setFlagsFromString("--semi-space-growth-factor=1");
}
