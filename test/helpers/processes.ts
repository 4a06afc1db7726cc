import { readdirSync, readFileSync } from "node:fs";
import { until } from "./until.ts";

/** Whether a process of this id runs; a zombie does not. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2)[0] !== "Z";
  } catch {
    return false;
  }
}

/** The ids of all processes whose command line holds the text. */
export function pidsWith(text: string): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => pid !== process.pid && commandLine(pid).includes(text) && isAlive(pid));
}

/** Waits until none of the processes is left. */
export async function allGone(pids: readonly number[]): Promise<void> {
  await until(
    () => !pids.some(isAlive),
    () => `processes to be gone: ${pids.filter(isAlive).join(" ")}`,
  );
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
