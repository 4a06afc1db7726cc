import { spawnSync } from "node:child_process";
import { setFlagsFromString } from "node:v8";
import { beforeEach, expect, test, vi } from "vitest";
import { keepYoungGenerationSmall, workerHeapFlags } from "../../../src/system/young-generation.ts";

vi.mock("node:v8", () => ({ setFlagsFromString: vi.fn() }));

beforeEach(() => {
  vi.mocked(setFlagsFromString).mockClear();
});

test("the young generation does not grow where nobody has said how large it is to be", () => {
  keepYoungGenerationSmall(["--max-old-space-size=200"], { NODE_OPTIONS: "--no-warnings" });
  keepYoungGenerationSmall([], {});
  expect(vi.mocked(setFlagsFromString).mock.calls.flat()).toEqual(
    Array.from({ length: 2 }, () => "--semi-space-growth-factor=1"),
  );
});

test.each([
  [["--max-semi-space-size=64"], {}],
  [["--min_semi_space_size=16"], {}],
  [[], { NODE_OPTIONS: "--no-warnings --max-semi-space-size=64" }],
] as const)("what a person has said about it stays: %j %j", (nodeFlags, environment) => {
  keepYoungGenerationSmall(nodeFlags, environment);
  expect(setFlagsFromString).not.toHaveBeenCalled();
  expect(workerHeapFlags(nodeFlags, environment)).toEqual([]);
});

test("this version of Node knows the flags", () => {
  keepYoungGenerationSmall([], {});
  const flags = [...vi.mocked(setFlagsFromString).mock.calls.flat(), ...workerHeapFlags([], {})];
  expect(flags).toHaveLength(2);
  const { status, stderr } = spawnSync(process.execPath, [...flags, "--eval", "0"], { encoding: "utf8" });
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
});
