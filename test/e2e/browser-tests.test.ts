import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, symlink, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { root } from "../helpers/examples.ts";
import { findProgram, thisMachine } from "../helpers/machine.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

const chromium = findProgram(thisMachine, "chromium");

test("without Chromium, tests in a browser are skipped, and one line says why", async () => {
  await using folder = await tempFolder();
  const { code, output } = await runBrowserTests(folder.path);

  expect(code).toBe(0);
  expect(output.match(/Tests in a browser .*/g)).toEqual([
    "Tests in a browser are skipped: there is no chromium in PATH or CHROMIUM_PATH, and no apt-get",
  ]);
  expect(output).toMatch(/^Tests: 0 passed, 0 failed, [1-9]\d* skipped$/m);
});

const canInstall = thisMachine.isRoot && chromium !== undefined;
test.skipIf(!canInstall)("where apt-get can install Chromium, it does, and the tests are run", async () => {
  await using folder = await tempFolder();
  await writeFile(folder.at("available"), `#!/bin/sh\nPATH='${process.env["PATH"]}' exec ${chromium} "$@"\n`, {
    mode: 0o755,
  });
  const install = `cd ${folder.path}; echo "$*" >> asked; case "$*" in *--no-download*) /bin/mv available chromium;; esac`;
  await writeFile(folder.at("apt-get"), `#!/bin/sh\n${install}\n`, { mode: 0o755 });
  await symlink("/bin/cat", folder.at("cat"));
  const { code, output } = await runBrowserTests(folder.path);

  expect({ code, output }).toEqual({
    code: 0,
    output: expect.stringMatching(/^Tests: [1-9]\d* passed, 0 failed, 0 skipped$/m),
  });
  expect(await readFile(folder.at("asked"), "utf8")).toMatch(/^--no-download install .* chromium$/m);
});

/** Runs tests of one page as `npm test` does, with the programs of one folder. */
async function runBrowserTests(path: string): Promise<{ code: number | null; output: string }> {
  const words = ["node_modules/vitest/vitest.mjs", "run", "--project", "browser", "test/browser/chat.test.ts"];
  const child = spawn(process.execPath, words, {
    cwd: root,
    env: { PATH: path, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const [code] = await once(child, "close");
  return { code: code as number | null, output };
}
