import { spawnSync } from "node:child_process";

/** Whether there is script(1) of util-linux, which gives a program a terminal. */
export const hasScript = spawnSync("script", ["--version"]).stdout?.includes("util-linux") ?? false;
