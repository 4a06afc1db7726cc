import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { configurationNames } from "./configurations.ts";
import { type Conversation, endings } from "./conversations.ts";

/** Conversations that did harm, alone or together, to one configuration of the server. */
export interface KeptCase {
  /** The name of its file. */
  readonly name: string;
  readonly configuration: string;
  readonly conversations: readonly Conversation[];
}

interface CaseFile {
  readonly configuration: string;
  /** What went wrong, for people. */
  readonly because: string;
  readonly conversations: readonly { readonly ending: Conversation["ending"]; readonly packets: readonly string[] }[];
}

const ending = ".json";
const nameCharacters = 16;
const maxFileBytes = 1024 * 1024;

/** Writes conversations to a file that is named by what is in it, and returns its name; undefined where they are too many. */
export function keepCase(
  folder: string,
  configuration: string,
  conversations: readonly Conversation[],
  because: string,
): string | undefined {
  const encoded = conversations.map((each) => ({
    ending: each.ending,
    packets: each.packets.map((packet) => packet.toString("base64")),
  }));
  const text = `${JSON.stringify({ configuration, because, conversations: encoded } satisfies CaseFile, null, 1)}\n`;
  if (text.length > maxFileBytes) return undefined;
  const hash = createHash("sha256")
    .update(JSON.stringify([configuration, encoded]))
    .digest("hex");
  const name = `${hash.slice(0, nameCharacters)}${ending}`;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), text);
  return name;
}

/** All cases of a folder, which need not be there. @throws where one cannot be read or sent; the message names it. */
export function keptCases(folder: string): KeptCase[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith(ending));
  return names.toSorted((a, b) => a.localeCompare(b)).map((name) => readCase(folder, name));
}

function readCase(folder: string, name: string): KeptCase {
  try {
    const { configuration, conversations } = JSON.parse(readFileSync(join(folder, name), "utf8")) as CaseFile;
    if (!configurationNames.includes(configuration)) throw new Error(`unknown configuration ${configuration}`);
    return { name, configuration, conversations: conversations.map(decode) };
  } catch (error) {
    throw new Error(`${join(folder, name)} is no case of fuzzing`, { cause: error });
  }
}

function decode(each: CaseFile["conversations"][number]): Conversation {
  if (!endings.includes(each.ending)) throw new Error(`unknown ending ${each.ending}`);
  return { ending: each.ending, packets: each.packets.map((packet) => Buffer.from(packet, "base64")) };
}
