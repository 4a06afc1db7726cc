import { randomInt } from "node:crypto";
import { runTool } from "./cli/arguments.ts";
import { parseSoakOptions, soakHelp } from "./cli/soak-options.ts";
import { Violations } from "./observed/violations.ts";
import { Children } from "./server/children.ts";
import { runSoak } from "./soak/run-soak.ts";

process.exitCode = await runTool("soak", () => soak(process.argv.slice(2)));

async function soak(words: readonly string[]): Promise<number> {
  const options = parseSoakOptions(words, randomInt(2 ** 31));
  if (options.action === "help") {
    process.stdout.write(soakHelp);
    return 0;
  }
  const children = new Children();
  children.obeySignals();
  const violations = new Violations();
  process.stdout.write(`soak for ${options.seconds} s with --seed ${options.seed}\n`);
  try {
    await runSoak(options, children, violations);
  } finally {
    children.killAll();
  }
  process.stdout.write(violations.count === 0 ? "nothing violated\n" : String(violations));
  return violations.count === 0 ? 0 : 1;
}
