import { findProgram, type Machine } from "../helpers/machine.ts";

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
  const path = findProgram(machine, "chromium");
  if (path !== undefined) return { path };
  const aptGet = findProgram(machine, "apt-get");
  if (aptGet === undefined) return { missing: "there is no chromium in PATH or CHROMIUM_PATH, and no apt-get" };
  if (!machine.isRoot)
    return { missing: "there is no chromium in PATH or CHROMIUM_PATH, and only root can install it" };
  try {
    await install(machine, aptGet);
  } catch (error) {
    return { missing: `apt-get cannot install chromium: ${reasonOf(error)}` };
  }
  const installed = findProgram(machine, "chromium");
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

function reasonOf(error: unknown): string {
  const { stderr = "", killed = false } = error as { stderr?: string; killed?: boolean };
  const line = stderr.split("\n").find((text) => text.startsWith("E: "));
  return line ?? (killed ? "it takes too long" : (String(error).split("\n")[0] ?? ""));
}
