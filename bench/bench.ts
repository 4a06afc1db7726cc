import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runTool } from "./cli/arguments.ts";
import { benchHelp, type BenchOptions, parseBenchOptions } from "./cli/bench-options.ts";
import { compare } from "./compare.ts";
import { fanOutByClients, type Load, loads } from "./loads.ts";
import { fanOutPlot, memoryPlot } from "./report/plots.ts";
import { formatReport } from "./report/report.ts";
import { type Result, toJson } from "./report/results.ts";
import { Children } from "./server/children.ts";

process.exitCode = await runTool("bench", () => bench(process.argv.slice(2)));

async function bench(words: readonly string[]): Promise<number> {
  const options = parseBenchOptions(
    words,
    loads.map(({ name }) => name),
  );
  if (options.action === "help") process.stdout.write(benchHelp);
  if (options.action === "list") process.stdout.write(formatList());
  return options.action === "run" ? measure(options) : 0;
}

function formatList(): string {
  return loads.map(({ name, about }) => `${name.padEnd(22)} ${about}\n`).join("");
}

async function measure(options: BenchOptions): Promise<number> {
  const children = new Children();
  children.obeySignals();
  const results = await compare(chosenLoads(options), options, children);
  process.stdout.write(`${formatReport(results, options.peer !== undefined)}\n`);
  if (options.jsonFile !== undefined) {
    writeFileSync(options.jsonFile, `${JSON.stringify(toJson(results), undefined, 2)}\n`);
  }
  if (options.plotsFolder !== undefined) writePlots(options.plotsFolder, results);
  return results.every(({ own }) => own.problem === undefined) ? 0 : 1;
}

/** Plots need some loads beside those that were asked for. */
function chosenLoads({ only, plotsFolder }: BenchOptions): Load[] {
  const chosen = loads.filter(({ name }) => only?.includes(name) ?? true);
  if (plotsFolder === undefined) return chosen;
  return [...new Set([...chosen, ...loads.filter(isMemory), ...fanOutByClients])];
}

function isMemory({ job }: Load): boolean {
  return job.kind === "idle";
}

function writePlots(folder: string, results: readonly Result[]): void {
  const byClients = results.filter(({ load }) => fanOutByClients.includes(load));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "fan-out.svg"), fanOutPlot(byClients));
  writeFileSync(join(folder, "memory.svg"), memoryPlot(results.filter(({ load }) => isMemory(load))));
}
