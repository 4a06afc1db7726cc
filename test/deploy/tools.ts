import { findProgram, type Machine } from "../helpers/machine.ts";

/** What files of deploy/ are tested with: programs, and the package of Debian that has each. */
export const tools = {
  nginx: "nginx",
  haproxy: "haproxy",
  caddy: "caddy",
  openssl: "openssl",
  promtool: "prometheus",
  "systemd-analyze": "systemd",
} as const;
export type Tool = keyof typeof tools;

/** The paths of those that are there. */
export type ToolPaths = Readonly<Partial<Record<Tool, string>>>;

/** Where Debian puts programs of the system; not everybody has them in PATH. */
const systemFolders = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

export function findTools(machine: Machine): ToolPaths {
  const found = Object.keys(tools).map((tool) => [tool, findProgram(machine, tool, systemFolders)] as const);
  return Object.fromEntries(found.filter(([, path]) => path !== undefined));
}

/** One line that says what is not tested for want of a tool, or undefined where all are there. */
export function describeMissing(paths: ToolPaths): string | undefined {
  const missing = Object.entries(tools).filter(([tool]) => !(tool in paths));
  if (missing.length === 0) return undefined;
  const names = missing.map(([tool]) => tool).join(", ");
  const packages = missing.map(([, name]) => name).join(" ");
  return `Tests of deploy/ that need ${names} are skipped (Debian has ${missing.length > 1 ? "them" : "it"}: apt-get install --no-install-recommends ${packages})`;
}
