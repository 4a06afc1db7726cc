import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type OptionName, optionNames, optionTable } from "../../src/options.ts";
import { runToEnd } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

const page = readFileSync(fileURLToPath(new URL("../../docs/security.md", import.meta.url)), "utf8");

test("the file for going public is one that the server takes, and all of it is in force", async () => {
  await using folder = await tempFolder();
  const [, text = ""] = /```toml\n([^]*?)```/.exec(page) ?? [];
  writeFileSync(folder.at("public.toml"), text);
  const { code, stdout, stderr } = await runToEnd(["--config", folder.at("public.toml"), "--print-config"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const inForce = Object.keys(JSON.parse(stdout) as object);
  const keys = Array.from(text.matchAll(/^([a-z-]+) = /gm), ([, key]) => key);
  expect(keys.length).toBeGreaterThan(20);
  expect(keys.filter((key) => !inForce.includes(key ?? ""))).toEqual([]);
});

test("every default in the table of bounds is that of the option", async () => {
  const { stdout } = await runToEnd(["--print-config", "cat"]);
  const defaults = JSON.parse(stdout) as Record<string, string | number | undefined>;
  const told = Array.from(
    page.matchAll(/((?:`--[a-z-]+`(?:, )?)+) \(([0-9A-Z]+|none|any)\)/g),
    ([, flags = "", value]) => Array.from(flags.matchAll(/`--([a-z-]+)`/g), ([, flag = ""]) => [flag, value] as const),
  ).flat();
  expect(told.length).toBeGreaterThan(15);
  const wrong = told.filter(([flag, value]) => String(defaults[flag] ?? "none") !== value?.replace("any", "none"));
  expect(wrong).toEqual([]);
});

test("every option on the page is there", () => {
  const flags = new Set(
    optionNames.map((name: OptionName) => optionTable[name].flag.split(" ").find(isLong)?.split("[")[0]),
  );
  const named = Array.from(page.matchAll(/`(--[a-z-]+[a-z])(?![a-z-])/g), ([, flag]) => flag);
  expect(named.length).toBeGreaterThan(50);
  // Those of the fuzz run, and one that is no setting.
  const others = new Set(["--seed", "--seconds", "--version"]);
  expect(named.filter((flag) => !flags.has(flag) && !others.has(flag ?? ""))).toEqual([]);
});

function isLong(word: string): boolean {
  return word.startsWith("--");
}
