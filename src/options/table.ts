import { accessOptions } from "./groups/access.ts";
import { compatOptions } from "./groups/compat.ts";
import { configurationOptions } from "./groups/configuration.ts";
import { encryptionOptions } from "./groups/encryption.ts";
import { httpOptions } from "./groups/http.ts";
import { identityOptions } from "./groups/identity.ts";
import { limitsOptions } from "./groups/limits.ts";
import { listeningOptions } from "./groups/listening.ts";
import { loggingOptions } from "./groups/logging.ts";
import { messagesOptions } from "./groups/messages.ts";
import { processOptions } from "./groups/process.ts";
import { roomsOptions } from "./groups/rooms.ts";
import { trafficOptions } from "./groups/traffic.ts";
import type { OptionSpec } from "./spec.ts";

/** THE table of options: flags, environment variables, validation, `--help` and docs/options.md come from it. */
export const optionTable = {
  ...listeningOptions,
  ...encryptionOptions,
  ...messagesOptions,
  ...processOptions,
  ...roomsOptions,
  ...accessOptions,
  ...limitsOptions,
  ...trafficOptions,
  ...httpOptions,
  ...identityOptions,
  ...loggingOptions,
  ...configurationOptions,
  ...compatOptions,
} as const;

export type OptionName = keyof typeof optionTable;

type ValueOf<Spec> = Spec extends OptionSpec<infer Value> ? Value : never;

/** Every option with its value; undefined where it has no default and was not given. */
export type Options = {
  readonly [Name in OptionName]: ValueOf<(typeof optionTable)[Name]>;
};

export const optionNames = Object.keys(optionTable) as OptionName[];
