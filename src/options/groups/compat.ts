import { choice } from "../kinds.ts";

/** Command lines of other versions. */
export const compatOptions = {
  compat: choice({
    flag: "--compat <VERSION>",
    group: "compat",
    choices: ["0.2"],
    help:
      "Read the command line as this version of the original did: 0.2 has fields _from and _to, --frame alone is " +
      "json, and --json is JSON framing with join and leave messages",
  }),
} as const;
