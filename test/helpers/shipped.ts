import { readFile } from "node:fs/promises";

const root = new URL("../../", import.meta.url);

/** Each text that is to be replaced, with what stands in its place. */
export type Changes = readonly (readonly [from: string, to: string])[];

/** The text of a file of this repository. */
export async function shipped(path: string): Promise<string> {
  return readFile(new URL(path, root), "utf8");
}

/** The same with other ports and paths, so that what is tested is the file that people get. Each text must be there. */
export async function shippedWith(path: string, changes: Changes): Promise<string> {
  let text = await shipped(path);
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`${path} does not hold ${JSON.stringify(from)}`);
    text = text.replaceAll(from, to);
  }
  return text;
}
