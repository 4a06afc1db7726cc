import { numberOf, parseFlags, UsageError } from "./arguments.ts";

/** What `npm run bench` was asked for. */
export interface BenchOptions {
  readonly action: "run" | "list" | "help";
  /** Names of loads; undefined for all. */
  readonly only: readonly string[] | undefined;
  readonly runs: number;
  /** The command of another server to compare with. */
  readonly peer: string | undefined;
  /** Where all figures are written. */
  readonly jsonFile: string | undefined;
  /** Where plots are written. */
  readonly plotsFolder: string | undefined;
}

export const benchHelp = `Measures the server that was built last, and checks that no message is missing.

usage: npm run bench -- [options]

  --only NAME,...    run only these loads
  --runs N           run each load N times and take the median (default 3)
  --peer COMMAND     run the same loads against another server too, in turn, and print ratios. In the command,
                     {addr} stands for the address to listen on, {frame} for the options of the load (such as
                     --frame=json), {program} for the wrapped program with its arguments; the last two are
                     added at the end where they are missing
  --json FILE        write all figures of all runs to a file
  --plots DIR        measure and draw throughput over clients and memory over connections
  --list             print the names of all loads
  --help             print this
`;

/** @throws UsageError */
export function parseBenchOptions(words: readonly string[], knownLoads: readonly string[]): BenchOptions {
  const flags = parseFlags(words, {
    only: { type: "string" },
    runs: { type: "string" },
    peer: { type: "string" },
    json: { type: "string" },
    plots: { type: "string" },
    list: { type: "boolean" },
    help: { type: "boolean" },
  });
  if (flags.peer !== undefined && !flags.peer.includes("{addr}")) {
    throw new UsageError(`--peer: expected a command with {addr}, got ${JSON.stringify(flags.peer)}`);
  }
  return {
    action: flags.help === true ? "help" : flags.list === true ? "list" : "run",
    only: flags.only === undefined ? undefined : namesOf(flags.only, knownLoads),
    runs: numberOf("--runs", flags.runs, { min: 1, max: 100, default: 3, isWhole: true }),
    peer: flags.peer,
    jsonFile: flags.json,
    plotsFolder: flags.plots,
  };
}

function namesOf(list: string, known: readonly string[]): string[] {
  const names = list.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return names;
  throw new UsageError(`--only: no load is called ${JSON.stringify(unknown)}; known are ${known.join(", ")}`);
}
