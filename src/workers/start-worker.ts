import { type ChildProcess, fork } from "node:child_process";
import { closeSync } from "node:fs";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { messageOf, ServerError } from "../errors.ts";
import { compilerFlags } from "../system/compiler-flags.ts";
import { checkDescriptorsForChild } from "../system/descriptors.ts";
import { workerHeapFlags } from "../system/young-generation.ts";
import type { DescriptorPassing } from "./descriptor-passing.ts";

const program = fileURLToPath(new URL("worker-main.js", import.meta.url));
/** Where the pipe is that ends when the worker and its guardian are gone. */
const lifeIndex = 4;

/** The process of a worker. */
export interface StartedWorker {
  readonly child: ChildProcess;
  /** Our end of the channel that descriptors are passed through; undefined where there can be none. */
  readonly channel: number | undefined;
  /** Ends when nothing of the worker is left; undefined where there is no process, of which an error follows. */
  readonly life: Readable | undefined;
}

/** @throws ServerError ERR_WORKER where there are no descriptors or no memory for it. */
export function startWorker(passing: DescriptorPassing | undefined): StartedWorker {
  try {
    checkDescriptorsForChild();
  } catch (error) {
    throw notStarted(messageOf(error));
  }
  // What a person has said comes last, and wins.
  const { execArgv: nodeFlags, env } = process;
  const execArgv = ["--expose-gc", ...compilerFlags, ...workerHeapFlags(nodeFlags, env), ...nodeFlags];
  const [ours, theirs] = openChannel(passing) ?? [];
  const inherited = theirs === undefined ? [] : [theirs];
  try {
    const child = fork(program, { execArgv, stdio: ["ignore", "ignore", "inherit", "ipc", "pipe", ...inherited] });
    const { stdio } = child as Partial<ChildProcess>;
    return { child, channel: ours, life: stdio?.[lifeIndex] as Readable | undefined };
  } catch (error) {
    if (ours !== undefined) closeSync(ours);
    throw notStarted(messageOf(error));
  } finally {
    if (theirs !== undefined) closeSync(theirs);
  }
}

export function notStarted(reason: string): ServerError {
  return new ServerError("ERR_WORKER", `a worker did not start: ${reason}`);
}

/** Ours and theirs; undefined where there is none to be had, and Node's own means must do. */
function openChannel(passing: DescriptorPassing | undefined): readonly [number, number] | undefined {
  try {
    return passing?.open();
  } catch {
    return undefined;
  }
}
