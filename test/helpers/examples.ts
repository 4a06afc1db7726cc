import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { startServer, type TestServer } from "./server.ts";

/** The top folder of the checkout, with a slash. */
export const root = fileURLToPath(new URL("../../", import.meta.url));

/** Runs the first command of an example's README from the top folder, but on a free port. */
export async function startExample(folder: string, env: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  const [name, ...before] = npmScripts(folder);
  if (name !== undefined) for (const script of before) run(script);
  const [program, script, ...words] = wordsOf(commandOf(folder));
  if (program !== "node" || script !== "bin/scalesocket.js")
    throw new Error(`${folder} is run by ${program} ${script}`);
  const address = words.indexOf("--addr");
  if (address !== -1) words.splice(address, 2);
  return startServer(words, { cwd: root, env });
}

/** The first command of an example's README, with what an npm script stands for. */
export function commandOf(folder: string): string {
  const [script] = npmScripts(folder);
  return script ?? commandIn(folder, 0);
}

/** A command of a README on one line. */
export function commandIn(folder: string, index: number): string {
  return block(folder, "sh", index)
    .trimEnd()
    .replaceAll(/ \\\n\s*/g, " ");
}

/** A code block of an example's README, the first of its language by default. */
export function block(folder: string, language: string, index = 0): string {
  const blocks = Array.from(readme(folder).matchAll(/^```(\w+)\n(.*?)^```$/gms)).filter(([, is]) => is === language);
  const content = blocks[index]?.[2];
  if (content === undefined) throw new Error(`examples/${folder}/README.md has too few ${language} blocks`);
  return content;
}

export function readme(folder: string): string {
  return read(`examples/${folder}/README.md`);
}

/** A file of the checkout. */
export function read(path: string): string {
  return readFileSync(root + path, "utf8");
}

/** What `npm start` or `npm run <name>` stands for, and what npm runs before it; nothing for another command. */
function npmScripts(folder: string): string[] {
  const [, name] = /^npm (?:run )?([a-z]+)$/.exec(commandIn(folder, 0)) ?? [];
  if (name === undefined) return [];
  const scripts: Readonly<Record<string, string>> = JSON.parse(read("package.json")).scripts;
  return [scripts[name], scripts[`pre${name}`]].filter((script) => script !== undefined);
}

function run(script: string): void {
  const [program, ...words] = wordsOf(script);
  if (program !== "node") throw new Error(`expected a script of Node, got ${script}`);
  execFileSync(process.execPath, words, { cwd: root });
}

/** Words as a shell tells them apart, where nothing but single quotes is special in them. */
export function wordsOf(command: string): string[] {
  if (!/^(?:'[^'\n]*'|[\w./=:, -])+$/.test(command)) throw new Error(`only a shell can run ${command}`);
  return Array.from(command.matchAll(/'([^']*)'|\S+/g), ([word, quoted]) => quoted ?? word);
}
