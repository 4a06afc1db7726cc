import type { TestProject } from "vitest/node";
import { thisMachine } from "../helpers/machine.ts";
import { describeMissing, findTools, type ToolPaths } from "./tools.ts";

declare module "vitest" {
  interface ProvidedContext {
    tools: ToolPaths;
  }
}

/** Finds the programs that tests of this folder need. Nothing is installed: some of them are servers that start by themselves. */
export default function setup(project: TestProject): void {
  const paths = findTools(thisMachine);
  const missing = describeMissing(paths);
  if (missing !== undefined) {
    if (thisMachine.environment["DEPLOY_TOOLS"] === "required") throw new Error(missing);
    console.warn(missing);
  }
  project.provide("tools", paths);
}
