// Compiles src/ to dist/, from nothing so that no file of an earlier build stays behind, and bundles what is run: loading
// many small files takes Node longer than all the rest of the start.
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const { dependencies } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const dist = fileURLToPath(new URL("../dist", import.meta.url));

rmSync(dist, { recursive: true, force: true });
const { status } = spawnSync("tsc", ["-p", "tsconfig.build.json"], { stdio: "inherit" });
if (status === 0) await bundle();
else process.exitCode = status ?? 1;

/** What is installed with it stays where it is: large packages, and those with native code. */
async function bundle() {
  const build = await rolldown({
    input: {
      main: `${dist}/cli/main.js`,
      index: `${dist}/index.js`,
      "worker-main": `${dist}/workers/worker-main.js`,
      "password-thread": `${dist}/access/password-thread.js`,
    },
    platform: "node",
    external: [/^node:/, ...Object.keys(dependencies)],
  });
  const { output } = await build.write({ dir: `${dist}/bundle`, format: "esm", hashCharacters: "hex" });
  writeFileSync(`${dist}/bundle/LICENSES.txt`, licensesOf(output.flatMap((file) => file.moduleIds ?? [])));
}

/** The licenses of the packages that are part of the bundle. */
function licensesOf(modules) {
  const folders = modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(id)?.[0] ?? []);
  const texts = [...new Set(folders.toSorted((a, b) => a.localeCompare(b)))].map((folder) => {
    const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
    if (file === undefined) throw new Error(`no license in ${folder}`);
    return `${basename(folder)}\n\n${readFileSync(join(folder, file), "utf8").trim()}\n`;
  });
  return texts.join("\n---\n\n");
}
