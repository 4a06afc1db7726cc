import { mkdir, symlink, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { notStarted } from "../../../src/process/spawner.ts";
import { resolveCommand } from "../../../src/process/resolve-command.ts";
import { tempFolder } from "../../helpers/temp-folder.ts";

test("a name is looked up in the path, and the first file that can be executed counts", async () => {
  await using folder = await tempFolder();
  await Promise.all(["none", "plain", "first", "second"].map(async (name) => mkdir(folder.at(name))));
  await writeFile(folder.at("plain/tool"), "#!/bin/sh\n", { mode: 0o644 });
  await mkdir(folder.at("none/tool"));
  await writeFile(folder.at("first/tool"), "#!/bin/sh\n", { mode: 0o755 });
  await writeFile(folder.at("second/tool"), "#!/bin/sh\n", { mode: 0o755 });
  const path = ["none", "plain", "first", "second"].map((name) => folder.at(name)).join(":");

  expect(await resolveCommand("tool", path)).toEqual([folder.at("first/tool")]);
  expect(await reasonOf(resolveCommand("tool", folder.at("plain")))).toBe("permission denied");
  expect(await reasonOf(resolveCommand("tool", folder.at("missing")))).toBe("no such file or directory");
  expect(await reasonOf(resolveCommand("tool", ""))).toBe("no such file or directory");
});

test("a command with a slash is taken as it is, be it a link", async () => {
  await using folder = await tempFolder();
  await symlink("/bin/sh", folder.at("link"));

  expect(await resolveCommand(folder.at("link"), "")).toEqual([folder.at("link")]);
  expect(await resolveCommand("/bin/sh", "/nowhere")).toEqual(["/bin/sh"]);
});

test.each([
  ["no such file or directory", "/no/such/file"],
  ["not a directory", "/bin/sh/file"],
  ["permission denied", "/"],
  ["permission denied", "/etc/passwd"],
])("the reason why it cannot be started is told: %s for %s", async (reason, command) => {
  expect(await reasonOf(resolveCommand(command, "/bin"))).toBe(reason);
});

test("a script without #! is run by the shell, and one whose interpreter is missing not at all", async () => {
  await using folder = await tempFolder();
  const script = async (name: string, text: string): Promise<string> => {
    await writeFile(folder.at(name), text, { mode: 0o755 });
    return folder.at(name);
  };
  const [plain, empty, bare, good, spaced, bad, dos] = await Promise.all([
    script("plain", "echo hello\n"),
    script("empty", ""),
    script("bare", "#!\n"),
    script("good", "#!/bin/sh -e\n"),
    script("spaced", "#!  \t/bin/sh\n"),
    script("bad", "#!/no/such/interpreter\n"),
    script("dos", "#!/bin/sh\r\n"),
  ]);

  expect(await resolveCommand(plain, "")).toEqual(["/bin/sh", plain]);
  expect(await resolveCommand(empty, "")).toEqual(["/bin/sh", empty]);
  expect(await resolveCommand(bare, "")).toEqual(["/bin/sh", bare]);
  expect(await resolveCommand(good, "")).toEqual([good]);
  expect(await resolveCommand(spaced, "")).toEqual([spaced]);
  for (const broken of [bad, dos]) {
    expect(await reasonOf(resolveCommand(broken, ""))).toBe("no such file or directory");
  }
});

/** The reason that clients would be told. */
async function reasonOf(resolving: Promise<unknown>): Promise<string> {
  try {
    await resolving;
  } catch (error) {
    return notStarted("it", error).message.replace("cannot start it: ", "");
  }
  throw new Error("nothing was thrown");
}
