import { expect, test } from "vitest";
import { read, wordsOf } from "../helpers/examples.ts";
import { runToEnd } from "../helpers/server.ts";

const [, from01 = "", from02 = "", fromWebsocketd = ""] = read("docs/migrating.md").split(/^## /m);

test("users of 0.1 find all of its options", async () => {
  const words = [
    [
      "--addr",
      "127.0.0.1:0",
      "--cmd-attach-delay",
      "1",
      "--frame=json",
      "--joinmsg",
      "#ID",
      "--json",
      "--leavemsg",
      "#ID",
    ],
    [
      "--metrics",
      "--oneshot",
      "--passenv",
      "PATH",
      "--staticdir",
      ".",
      "--stats",
      "--tcp",
      "--tcpports",
      "9001:9999",
      "-v",
    ],
  ].flat();
  expect(await inForce(words)).toMatchObject({ frame: "json", log: "json", oneshot: true, tcp: true, verbose: 1 });
  expect(await inForce(["-b"])).toMatchObject({ binary: true });
});

test("users of 0.2 find all options that are said to be the same", async () => {
  const [, list = ""] = /^These are the same: (.*?)\.$/ms.exec(from02) ?? [];
  const same = flagsIn(list);
  expect(same).toEqual(expect.arrayContaining(["--cache", "--delay", "--maxforks", "--null", "--tcpports"]));
  expect(await knownFlags()).toEqual(expect.arrayContaining(same));
});

test("what is to be written instead of a command line of 0.2 means the same", async () => {
  const rows = rowsIn(from02).flatMap(([then = "", now = ""]): [string, string][] => {
    const old = /^`(--frame|--json)`$/.exec(then)?.[1];
    return old === undefined ? [] : [[old, codeIn(now)[0] ?? ""]];
  });
  const [, now = ""] = rowsIn(from02).find(([then]) => then?.startsWith("fields ")) ?? [];
  const fields = codeIn(now).at(-1) ?? "";
  expect(rows.map(([old]) => old)).toEqual(["--frame", "--json"]);
  for (const [old, words] of [["", fields], ...rows] as const) {
    const { compat: _compat, ...as02 } = await inForce(["--compat", "0.2", ...(old === "" ? [] : [old])]);
    expect(await inForce(wordsOf(words.includes(fields) ? words : `${words} ${fields}`))).toEqual(as02);
  }
});

test("all that is to be written instead exists", async () => {
  const now = [from01, from02, fromWebsocketd].flatMap(rowsIn).map(([, cell = ""]) => codeIn(cell).join(" "));
  const flags = now.flatMap(flagsIn);
  expect(flags).toEqual(expect.arrayContaining(["--slow", "--tofield", "--stderr", "--tlscert"]));
  expect(await knownFlags()).toEqual(expect.arrayContaining(flags));
});

test("what users of websocketd are told to do without does not exist", async () => {
  const missing = rowsIn(fromWebsocketd)
    .filter(([, now = ""]) => now.startsWith("nothing"))
    .flatMap(([then = ""]) => flagsIn(then));
  expect(missing).toEqual(expect.arrayContaining(["--devconsole", "--dir"]));
  const known = new Set(await knownFlags());
  expect(missing.filter((flag) => known.has(flag))).toEqual([]);
});

test("what is the same in websocketd exists", async () => {
  const same = rowsIn(fromWebsocketd)
    .filter(([, now = ""]) => now.startsWith("the same"))
    .flatMap(([then = ""]) => flagsIn(then));
  expect(same).toEqual(expect.arrayContaining(["--staticdir", "--maxforks"]));
  expect(await knownFlags()).toEqual(expect.arrayContaining(same));
});

test("commands of the page can be run as they stand", async () => {
  const page = [from02, fromWebsocketd].join("\n");
  const commands = Array.from(page.matchAll(/(?:^\$ |`)scalesocket ([^\n`]*)/gm), ([, words = ""]) => words);
  expect(commands).toHaveLength(2);
  for (const command of commands) expect(await inForce(wordsOf(command), [])).toHaveProperty("command");
});

/** All options that hold with these words. */
async function inForce(words: readonly string[], command = ["cat"]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await runToEnd(["--print-config", ...words, ...command]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as Record<string, unknown>;
}

async function knownFlags(): Promise<string[]> {
  const { stdout } = await runToEnd(["--help"]);
  return stdout.split("\n").flatMap((line) => flagsIn(/^ {2}(-\S.*?)(?: {2}|$)/.exec(line)?.[1] ?? ""));
}

function flagsIn(text: string): string[] {
  return text.match(/--[a-z][a-z-]*/g) ?? [];
}

function codeIn(text: string): string[] {
  return Array.from(text.matchAll(/`([^`]+)`/g), ([, code = ""]) => code);
}

/** The cells of each row of the tables in a text, but for their headings. */
function rowsIn(text: string): string[][] {
  const lines = text.split("\n");
  const isRow = (line: string, index: number): boolean =>
    line.startsWith("| ") && !lines[index + 1]?.startsWith("| --");
  return lines
    .filter(isRow)
    .filter((line) => !/^[|\s-]+$/.test(line))
    .map((line) => line.split(" | ").map((cell) => cell.replace(/^\| | +\|$/g, "").trim()));
}
