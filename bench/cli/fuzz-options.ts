import { configurationNames } from "../fuzz/configurations.ts";
import { numberOf, parseFlags, UsageError } from "./arguments.ts";

/** What `npm run fuzz` was asked for. */
export interface FuzzOptions {
  readonly action: "run" | "help";
  /** How long random bytes are sent, in all, to servers that are warm; 0 sends only what was kept. */
  readonly seconds: number;
  readonly seed: number;
  readonly configurations: readonly string[];
  /** Where bytes that did harm are kept; undefined is the folder of this project. */
  readonly folder: string | undefined;
  /** The shell command of another server than that which was built last. */
  readonly command: string | undefined;
}

export const fuzzHelp = `Sends bytes that are almost right to the server that was built last, and checks that it takes no harm.

usage: npm run fuzz -- [options]

  --seconds N     how long in all, beyond the first 1,000 conversations with each configuration, which warm it up
                  (default 60); with 0, only what was kept of earlier runs is sent
  --seed N        send the bytes of this number again (default: another one each time)
  --only NAMES    only these configurations of the server, with commas between them: ${configurationNames.join(", ")}
  --kept FOLDER   where bytes that did harm are kept, to be sent first from then on (default test/fuzz-seeds)
  --command TEXT  fuzz another server, started by this shell command, with {addr} where its address belongs
  --help          print this
`;

const defaultSeconds = 60;
const longestSeconds = 7 * 24 * 3600;
const highestSeed = 2 ** 32 - 1;

/** `randomSeed` is the seed where none is given. @throws UsageError */
export function parseFuzzOptions(words: readonly string[], randomSeed: number): FuzzOptions {
  const flags = parseFlags(words, {
    seconds: { type: "string" },
    seed: { type: "string" },
    only: { type: "string" },
    kept: { type: "string" },
    command: { type: "string" },
    help: { type: "boolean" },
  });
  const configurations = flags.only?.split(",") ?? configurationNames;
  for (const name of configurations) {
    if (!configurationNames.includes(name)) {
      throw new UsageError(`--only: expected some of ${configurationNames.join(", ")}, got ${JSON.stringify(name)}`);
    }
  }
  return {
    action: flags.help === true ? "help" : "run",
    seconds: numberOf("--seconds", flags.seconds, { min: 0, max: longestSeconds, default: defaultSeconds }),
    seed: numberOf("--seed", flags.seed, { min: 0, max: highestSeed, default: randomSeed, isWhole: true }),
    configurations,
    folder: flags.kept,
    command: flags.command,
  };
}
