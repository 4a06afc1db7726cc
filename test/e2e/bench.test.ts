import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { programPath } from "../helpers/programs.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const limit = { cwd: root, timeout: 25_000 };

beforeAll(async () => {
  await run("node_modules/.bin/tsc", ["-p", "tsconfig.bench.json"], limit);
});

describe.concurrent("the tools that measure", () => {
  test("the benchmark runs the loads that it was asked for and prints a table", async () => {
    const words = ["bench/build/bench.js", "--only", "startup,echo-one-room", "--runs", "1"];
    const { stdout } = await run(process.execPath, words, limit);
    expect(stdout).toMatch(/^\| echo-one-room +\| round trips +\| [\d.]+ k?\/s /m);
    expect(stdout).toMatch(/^\| startup +\| time to listen +\| [\d.]+ ms /m);
  });

  test("what fails on a peer is reported, and the benchmark goes on", async () => {
    const words = ["bench/build/bench.js", "--only", "startup", "--runs", "1", "--peer", "false {addr}"];
    const { stdout } = await run(process.execPath, words, limit);
    expect(stdout).toMatch(/^\| startup +\| time to listen +\| [\d.]+ ms +\| failed /m);
    expect(stdout).toContain("startup on peer: the server did not start");
  });

  test("no bytes that once did harm do it again", async () => {
    const { stdout } = await run(process.execPath, ["bench/build/fuzz.js", "--seconds", "0"], limit);
    expect(stdout).toMatch(/^compress: [1-9]\d* kept cases were sent$/m);
    expect(stdout).toMatch(/^nothing violated$/m);
  });

  test("a fuzz run comes to its end, with everything as before", async () => {
    const words = ["bench/build/fuzz.js", "--seconds", "2", "--seed", "1", "--only", "json"];
    const { stdout } = await run(process.execPath, words, limit);
    expect(stdout).toMatch(/^json: \d{4,} conversations, 0 violations\nnothing violated$/m);
  });

  test("a fuzz run finds a byte that does harm, keeps it, and says so again as long as it does", async () => {
    await using folder = await tempFolder();
    const fuzz = async (seconds: string): Promise<string> => {
      const command = `node ${programPath("fragile-server.mjs")} {addr}`;
      const options = ["--seed", "1", "--only", "plain", "--kept", folder.path, "--command", command];
      const failure = await run(
        process.execPath,
        ["bench/build/fuzz.js", "--seconds", seconds, ...options],
        limit,
      ).then(
        () => undefined,
        (error: { code: number; stdout: string }) => error,
      );
      expect(failure?.code).toBe(1);
      return failure?.stdout ?? "";
    };
    expect(await fuzz("2")).toMatch(/^violated: kept as /m);
    const [name = "none", ...others] = readdirSync(folder.path);
    expect(others).toEqual([]);
    expect(await fuzz("0")).toContain(`violated: plain: ${name} does harm again: `);
  });

  test("a soak comes to its end, with everything as before", async () => {
    const { stdout } = await run(process.execPath, ["bench/build/soak.js", "--seconds", "5", "--seed", "1"], limit);
    expect(stdout).toMatch(/^nothing violated$/m);
  });
});
