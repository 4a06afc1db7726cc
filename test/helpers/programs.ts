import { fileURLToPath } from "node:url";

/** The words that make a server wrap a shell script; `args` are its `$1`, `$2` and so on. */
export function sh(script: string, ...args: readonly string[]): string[] {
  return ["sh", "--", "-c", script, "sh", ...args];
}

/** The words that make a server wrap a program of test/programs, written for Node. */
export function node(name: string, ...args: readonly string[]): string[] {
  return ["node", "--", programPath(name), ...args];
}

export function programPath(name: string): string {
  return fileURLToPath(new URL(`../programs/${name}`, import.meta.url));
}
