import { pathToFileURL } from "node:url";
import { programPath } from "./programs.ts";
import type { RunOptions } from "./server.ts";

/** Runs a server as on a system that koffi has no build for. */
export const withoutKoffi: RunOptions = {
  env: { NODE_OPTIONS: `--import ${pathToFileURL(programPath("without-koffi.mjs")).href}` },
};

/** The ways in which a server starts processes, and how to run one that does. */
export const spawners: readonly (readonly [string, RunOptions])[] = [
  ["posix_spawn", {}],
  ["child_process", withoutKoffi],
];
