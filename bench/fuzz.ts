import { randomInt } from "node:crypto";
import { fileURLToPath } from "node:url";
import { runTool } from "./cli/arguments.ts";
import { fuzzHelp, parseFuzzOptions } from "./cli/fuzz-options.ts";
import { runFuzz } from "./fuzz/run-fuzz.ts";
import { Violations } from "./observed/violations.ts";
import { Children } from "./server/children.ts";

const keptFolder = fileURLToPath(new URL("../../test/fuzz-seeds", import.meta.url));

process.exitCode = await runTool("fuzz", () => fuzz(process.argv.slice(2)));

async function fuzz(words: readonly string[]): Promise<number> {
  const options = parseFuzzOptions(words, randomInt(2 ** 31));
  if (options.action === "help") {
    process.stdout.write(fuzzHelp);
    return 0;
  }
  const children = new Children();
  children.obeySignals();
  const violations = new Violations();
  process.stdout.write(`fuzz for ${options.seconds} s with --seed ${options.seed}\n`);
  try {
    await runFuzz(options, options.folder ?? keptFolder, children, violations);
  } finally {
    children.killAll();
  }
  process.stdout.write(violations.count === 0 ? "nothing violated\n" : String(violations));
  return violations.count === 0 ? 0 : 1;
}
