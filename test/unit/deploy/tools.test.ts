import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { describeMissing, findTools, tools } from "../../deploy/tools.ts";
import type { Machine } from "../../helpers/machine.ts";

function machineWith(...programs: string[]): Machine {
  return {
    environment: { PATH: "/bin:/usr/bin" },
    isRoot: true,
    isProgram: (path) => programs.includes(path),
    run: () => Promise.reject(new Error("nothing is run")),
  };
}

test("tools are found in PATH, and in folders of the system that are not in it", () => {
  const machine = machineWith("/usr/bin/caddy", "/usr/sbin/nginx", "/opt/haproxy");
  expect(findTools(machine)).toEqual({ caddy: "/usr/bin/caddy", nginx: "/usr/sbin/nginx" });
});

test("one line says which tools are missing, and in which packages they are", () => {
  const all = Object.fromEntries(Object.keys(tools).map((tool) => [tool, `/usr/bin/${tool}`]));
  const { promtool: _promtool, ...allButOne } = all;
  const { nginx: _nginx, ...allButTwo } = allButOne;
  expect(describeMissing(all)).toBeUndefined();
  expect(describeMissing(allButOne)).toBe(
    "Tests of deploy/ that need promtool are skipped (Debian has it: apt-get install --no-install-recommends prometheus)",
  );
  expect(describeMissing(allButTwo)).toBe(
    "Tests of deploy/ that need nginx, promtool are skipped (Debian has them: apt-get install --no-install-recommends nginx prometheus)",
  );
});

test("CI installs every tool, and lets no test be skipped for want of one", async () => {
  const script = await readFile(new URL("../../../.ci/run", import.meta.url), "utf8");
  const [, packages = ""] = /^deploy_packages="(.*)"$/m.exec(script) ?? [];
  expect(packages.split(" ").toSorted()).toEqual(Object.values(tools).toSorted());
  expect(script).toContain("\nexport DEPLOY_TOOLS=required\n");
});
