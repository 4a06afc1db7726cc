import { flag, text } from "../kinds.ts";

/** Options in a file. */
export const configurationOptions = {
  config: text({
    flag: "--config <FILE>",
    group: "configuration",
    help:
      "Read options from this JSON or TOML file, under the names of their flags; what the command line or the " +
      "environment says goes before it",
  }),
  printConfig: flag({
    flag: "--print-config",
    group: "configuration",
    help: "Print all options as they are in force, as a file for --config, and exit",
  }),
} as const;
