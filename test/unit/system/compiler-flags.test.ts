import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { compilerFlags } from "../../../src/system/compiler-flags.ts";

test("this version of Node knows the flags that are meant for it", () => {
  const set = `for (const flag of ${JSON.stringify(compilerFlags)}) require("node:v8").setFlagsFromString(flag);`;
  const { status, stderr } = spawnSync(process.execPath, [...compilerFlags, "--eval", set], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});

test("Node 20 has some", () => {
  expect(compilerFlags.length > 0).toBe(process.versions.node.startsWith("20."));
});
