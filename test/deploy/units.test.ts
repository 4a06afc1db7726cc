import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { parse } from "smol-toml";
import { expect, inject, test } from "vitest";
import { bin } from "../helpers/bin.ts";
import { shipped, shippedWith } from "../helpers/shipped.ts";
import { tempFolder, type TempFolder } from "../helpers/temp-folder.ts";

const analyze = inject("tools")["systemd-analyze"];
const check = test.skipIf(analyze === undefined);
const units = ["scalesocket.service", "scalesocket.socket"] as const;
/** As systemd-analyze counts: 0 is safe, 10 is not. That of a unit without hardening is 9.6. */
const maxExposure = 2;

check("systemd reads the units without a word", async () => {
  await using folder = await writeUnits();
  const paths = units.map((unit) => folder.at(unit));
  const { stdout, stderr } = await run(["verify", "--man=no", "--recursive-errors=no", ...paths]);
  expect(stdout + stderr).toBe("");
});

test("systemd listens where the server would without it", async () => {
  const [socket, toml] = [
    await shipped("deploy/systemd/scalesocket.socket"),
    await shipped("deploy/systemd/scalesocket.toml"),
  ];
  expect(/^ListenStream=(.*)$/m.exec(socket)?.[1]).toBe(parse(toml)["addr"]);
});

check("what systemd does not know is found", async () => {
  await using folder = await writeUnits("NoNewPrivileges=yes", "NoNewPriviliges=yes");
  const words = ["verify", "--man=no", "--recursive-errors=no", folder.at("scalesocket.service")];
  await expect(run(words)).rejects.toThrow("Unknown key 'NoNewPriviliges'");
});

check("the service is shut off from what it does not need", async () => {
  await using folder = await writeUnits();
  const threshold = `--threshold=${maxExposure * 10}`;
  // Fails above the threshold.
  await run(["security", "--offline=true", threshold, folder.at("scalesocket.service")]);
});

/** The units with the program of this checkout, since systemd looks whether it is there. */
async function writeUnits(from = "", to = ""): Promise<TempFolder> {
  const folder = await tempFolder();
  for (const unit of units) {
    const isService = unit.endsWith(".service");
    const text = await shippedWith(
      `deploy/systemd/${unit}`,
      isService ? [["/usr/local/bin/scalesocket ", `${bin} `]] : [],
    );
    await writeFile(folder.at(unit), from === "" ? text : text.replace(from, to));
  }
  return folder;
}

async function run(words: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(analyze as string, words);
}
