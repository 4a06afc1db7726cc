import { numberOf, parseFlags, UsageError } from "./arguments.ts";

/** What `npm run soak` was asked for. */
export interface SoakOptions {
  readonly action: "run" | "help";
  readonly seconds: number;
  readonly seed: number;
}

export const soakHelp = `Has the server that was built last go through all that clients and programs can do to it.

usage: npm run soak -- [options]

  --minutes N   how long (default 1)
  --seconds N   the same in seconds
  --seed N      choose what happens in the order of this number, to do it again (default: another one each time)
  --help        print this
`;

const defaultMinutes = 1;
const longestMinutes = 7 * 24 * 60;
const highestSeed = 2 ** 32 - 1;

/** `randomSeed` is the seed where none is given. @throws UsageError */
export function parseSoakOptions(words: readonly string[], randomSeed: number): SoakOptions {
  const flags = parseFlags(words, {
    minutes: { type: "string" },
    seconds: { type: "string" },
    seed: { type: "string" },
    help: { type: "boolean" },
  });
  if (flags.minutes !== undefined && flags.seconds !== undefined) {
    throw new UsageError("--minutes and --seconds are the same thing; give one of them");
  }
  const minutes = numberOf("--minutes", flags.minutes, { min: 0.01, max: longestMinutes, default: defaultMinutes });
  return {
    action: flags.help === true ? "help" : "run",
    seconds: numberOf("--seconds", flags.seconds, { min: 1, max: longestMinutes * 60, default: minutes * 60 }),
    seed: numberOf("--seed", flags.seed, { min: 0, max: highestSeed, default: randomSeed, isWhole: true }),
  };
}
