import { type BrowserServer, chromium } from "playwright-core";
import type { TestProject } from "vitest/node";
import { thisMachine } from "../helpers/machine.ts";
import { getChromium } from "./chromium.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the browser of all tests listens; empty where there is none. */
    browser: string;
  }
}

const launchMs = 30_000;

/** Starts one browser for the tests of this folder, and installs it first where that is possible. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const browser = await launch();
  if ("missing" in browser) console.warn(`Tests in a browser are skipped: ${browser.missing}`);
  project.provide("browser", "missing" in browser ? "" : browser.wsEndpoint());
  return async () => {
    if (!("missing" in browser)) await browser.close();
  };
}

async function launch(): Promise<BrowserServer | { readonly missing: string }> {
  const found = await getChromium(thisMachine);
  if ("missing" in found) return found;
  try {
    // Tests may run as root, for whom Chromium has no sandbox. The pages are our own.
    return await chromium.launchServer({ executablePath: found.path, chromiumSandbox: false, timeout: launchMs });
  } catch (error) {
    return { missing: `${found.path} does not start: ${String(error).split("\n")[0]}` };
  }
}
