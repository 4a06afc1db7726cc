import { setFlagsFromString } from "node:v8";

/**
 * What V8 doubles its young generation to, in MiB for one of its three parts; by itself up to 16, which is 48 MiB in each of many
 * workers. More of it saves them nothing that could be told from noise.
 */
const workerPartMiB = 4;

/**
 * Keeps the young generation of this process's heap as it is. What thousands of handshakes leave behind makes V8 triple it to
 * 48 MiB, which a process that only hands clients over does not need. What a person has said about it is left alone.
 */
export function keepYoungGenerationSmall(nodeFlags: readonly string[], environment: NodeJS.ProcessEnv): void {
  if (!isChosen(nodeFlags, environment)) setFlagsFromString("--semi-space-growth-factor=1");
}

/** Flags of Node for the heap of a worker; none where a person has said something about its young generation. */
export function workerHeapFlags(nodeFlags: readonly string[], environment: NodeJS.ProcessEnv): readonly string[] {
  return isChosen(nodeFlags, environment) ? [] : [`--max-semi-space-size=${workerPartMiB}`];
}

function isChosen(nodeFlags: readonly string[], { NODE_OPTIONS = "" }: NodeJS.ProcessEnv): boolean {
  return [...nodeFlags, NODE_OPTIONS].some((words) => /semi[-_]space/.test(words));
}
