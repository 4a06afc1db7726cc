import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

/** What there is to find a program, or to get one. */
export interface Machine {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly isRoot: boolean;
  isProgram(path: string): boolean;
  /** Rejects where the program fails or takes longer. */
  run(program: string, words: readonly string[], timeoutMs: number): Promise<void>;
}

/** The path of a program, looked for in PATH and then in further folders. */
export function findProgram(machine: Machine, name: string, moreFolders: readonly string[] = []): string | undefined {
  const folders = [...(machine.environment["PATH"] ?? "").split(":").filter((folder) => folder !== ""), ...moreFolders];
  return folders.map((folder) => join(folder, name)).find((path) => machine.isProgram(path));
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
