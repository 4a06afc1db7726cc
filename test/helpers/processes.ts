import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { until } from "./until.ts";

/** Whether a process of this id runs; a zombie does not. */
export function isAlive(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== undefined && stat.state !== "Z";
}

/** Whether a process stands still since it was sent SIGSTOP. */
export function isStopped(pid: number): boolean {
  return statOf(pid)?.state === "T";
}

/** The ids of all children of a process, also of those that have exited and that it has not waited for. */
export function childrenOf(parent: number): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => statOf(pid)?.parent === parent);
}

/** The group and the session that a process is in. */
export function placeOf(pid: number): { group: number; session: number } | undefined {
  const stat = statOf(pid);
  return stat && { group: stat.group, session: stat.session };
}

/** The workers of a server, which may be this process. */
export function workersOf(server: number = process.pid): number[] {
  return childrenOf(server).filter((pid) => commandOf(pid).includes("worker-main.js"));
}

/** The words that a process was started with, each with a NUL behind it; empty where it is gone. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

/** How many descriptors a process has open. */
export function openFilesOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** The numbers that the next descriptors of a process will have. */
export function freeDescriptors(pid: number, count: number): number[] {
  const taken = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  return Array.from({ length: taken.size + count }, (_each, number) => number)
    .filter((number) => !taken.has(number))
    .slice(0, count);
}

/** Leaves a process only descriptors below the number. */
export function limitDescriptors(pid: number, below: number): void {
  execFileSync("prlimit", ["--pid", String(pid), `--nofile=${below}:`]);
}

/** The most memory that any process of a server has had resident so far, in MiB. */
export function peakMemoryMiB(server: number): number {
  return Math.max(...[server, ...workersOf(server)].map(peakOf));
}

function peakOf(pid: number): number {
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kibibytes) / 1024;
}

/** Waits until none of the processes is left. */
export async function allGone(pids: readonly number[]): Promise<void> {
  await until(
    () => !pids.some(isAlive),
    () => `processes to be gone: ${pids.filter(isAlive).join(" ")}`,
  );
}

/** What stands behind the name of the program in proc(5)'s `stat`. */
function statOf(pid: number): { state: string; parent: number; group: number; session: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state = "", parent, group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state, parent: Number(parent), group: Number(group), session: Number(session) };
  } catch {
    return undefined;
  }
}
