import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

/** What there is to find a browser, or to get one. */
export interface Machine {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly isRoot: boolean;
  isProgram(path: string): boolean;
  /** Rejects where the program fails or takes longer. */
  run(program: string, words: readonly string[], timeoutMs: number): Promise<void>;
}

/** Where Chromium is, or in one line why it is not there. */
export type Chromium = { readonly path: string } | { readonly missing: string };

const downloadMs = 120_000;
const unpackMs = 60_000;

/** Nobody is asked, and who does not answer is not waited for. */
const aptOptions = ["-y", "-q", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=10"];

/** Finds Chromium, or installs that of Debian where this is Debian's root. @throws Error where CHROMIUM_PATH is wrong. */
export async function getChromium(machine: Machine): Promise<Chromium> {
  const { CHROMIUM_PATH: given } = machine.environment;
  if (given !== undefined) {
    if (!machine.isProgram(given)) throw new Error(`CHROMIUM_PATH: expected a program, got ${JSON.stringify(given)}`);
    return { path: given };
  }
  const path = inPath(machine, "chromium");
  if (path !== undefined) return { path };
  const aptGet = inPath(machine, "apt-get");
  if (aptGet === undefined) return { missing: "there is no chromium in PATH or CHROMIUM_PATH, and no apt-get" };
  if (!machine.isRoot)
    return { missing: "there is no chromium in PATH or CHROMIUM_PATH, and only root can install it" };
  try {
    await install(machine, aptGet);
  } catch (error) {
    return { missing: `apt-get cannot install chromium: ${reasonOf(error)}` };
  }
  const installed = inPath(machine, "chromium");
  return installed === undefined ? { missing: "apt-get installed no chromium" } : { path: installed };
}

/** What takes a time that nobody knows comes first, since it may be cut off at any moment. */
async function install(machine: Machine, aptGet: string): Promise<void> {
  const words = ["install", "--no-install-recommends", ...aptOptions, "chromium"];
  const download = (): Promise<void> => machine.run(aptGet, ["--download-only", ...words], downloadMs);
  try {
    await download();
  } catch {
    await machine.run(aptGet, ["update", ...aptOptions], downloadMs);
    await download();
  }
  await machine.run(aptGet, ["--no-download", ...words], unpackMs);
}

function inPath(machine: Machine, program: string): string | undefined {
  const folders = (machine.environment["PATH"] ?? "").split(":").filter((folder) => folder !== "");
  return folders.map((folder) => join(folder, program)).find((path) => machine.isProgram(path));
}

function reasonOf(error: unknown): string {
  const { stderr = "", killed = false } = error as { stderr?: string; killed?: boolean };
  const line = stderr.split("\n").find((text) => text.startsWith("E: "));
  return line ?? (killed ? "it takes too long" : (String(error).split("\n")[0] ?? ""));
}

export const thisMachine: Machine = {
  environment: process.env,
  isRoot: process.getuid?.() === 0,
  isProgram(path) {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  },
  async run(program, words, timeoutMs) {
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    await promisify(execFile)(program, words, { timeout: timeoutMs, maxBuffer: 64 * 1024 * 1024, env });
  },
};
