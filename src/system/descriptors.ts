import { closeSync, openSync } from "node:fs";

/** As many as Node opens to start a process with three pipes: both ends of each, and of one of its own. */
const forChild = 8;

/**
 * Throws EMFILE where there are not enough descriptors left for Node to start a process: Node 20 leaks the pipes that it has
 * opened already when one of the last cannot be opened.
 */
export function checkDescriptorsForChild(): void {
  const opened: number[] = [];
  try {
    while (opened.length < forChild) opened.push(openSync("/dev/null", "r"));
  } finally {
    for (const descriptor of opened) closeSync(descriptor);
  }
}
