import { readdirSync, readFileSync } from "node:fs";

/** The program of the server's workers. */
const workerProgram = "worker-main.js";

/** The processes that a server consists of: itself and its workers. Linux only, like all of this file (proc(5)). */
export function serverProcesses(pid: number): number[] {
  return [pid, ...childrenOf(pid).filter((child) => commandLine(child).includes(workerProgram))];
}

/** How much memory a server has resident now, in all of its processes; what they share counts in each. */
export function residentBytes(serverPid: number): number {
  return sum(serverProcesses(serverPid).map((pid) => statusKibibytes(pid, "VmRSS") * 1024));
}

/** How many descriptors a server has open, in all of its processes. */
export function openDescriptors(serverPid: number): number {
  return sum(serverProcesses(serverPid).map((pid) => readdirSync(`/proc/${pid}/fd`).length));
}

/** How many descriptors this process may have at most. */
export function maxDescriptors(): number {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
  return Number(soft);
}

/** The processes whose parent this is, also those that have exited and that it has not waited for. */
export function childrenOf(parent: number): number[] {
  return pids().filter((pid) => read(pid, "stat").split(") ").at(-1)?.split(" ")[1] === String(parent));
}

/** The processes that have this variable in their environment, such as `MARK=7`; only those of the same user. */
export function processesWith(variable: string): number[] {
  return pids().filter((pid) => read(pid, "environ").split("\0").includes(variable));
}

/** What a process is, for people. */
export function commandLine(pid: number): string {
  return read(pid, "cmdline").replaceAll("\0", " ").trim();
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function statusKibibytes(pid: number, field: string): number {
  const [, kibibytes] = new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(read(pid, "status")) ?? [];
  if (kibibytes === undefined) throw new Error(`process ${pid} is gone`);
  return Number(kibibytes);
}

function pids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Empty where the process is gone or somebody else's. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
