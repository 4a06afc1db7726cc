import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";

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

  test("a soak comes to its end, with everything as before", async () => {
    const { stdout } = await run(process.execPath, ["bench/build/soak.js", "--seconds", "5", "--seed", "1"], limit);
    expect(stdout).toMatch(/^nothing violated$/m);
  });
});
