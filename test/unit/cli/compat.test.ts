import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseCommandLine } from "../../../src/cli/command-line.ts";
import { completeOptions, type Options } from "../../../src/options.ts";
import { tempFolder } from "../../helpers/temp-folder.ts";

const fields = { fromField: "_from", toField: "_to" };
const json02 = {
  ...fields,
  frame: "json",
  joinMessage: '{"t":"Join","_from":#ID}',
  leaveMessage: '{"t":"Leave","_from":#ID}',
};

test.each([
  [["cat"], fields],
  [["--frame", "cat"], { ...fields, frame: "json" }],
  [["--frame=binary", "cat"], { ...fields, frame: "binary" }],
  [["--json", "cat"], json02],
  [["cat", "--json", "-v"], { ...json02, verbosity: 1 }],
  [["--json", "--joinmsg", "hi #ID", "cat"], { ...json02, joinMessage: "hi #ID" }],
  [["--joinmsg", "hi #ID", "--json", "cat"], { ...json02, joinMessage: "hi #ID" }],
  [["--fromfield", "who", "cat"], { ...fields, fromField: "who" }],
  [
    ["--joinmsg", "--json", "--leavemsg", "--compat=0.1", "cat"],
    { ...fields, joinMessage: "--json", leaveMessage: "--compat=0.1" },
  ],
  [["--joinmsg", "--joinmsg", "--json", "cat"], { ...json02, joinMessage: "--joinmsg" }],
])("version 0.2 reads %j so", (words, expected) => {
  const options = completeOptions({ ...expected, compat: "0.2" });
  expect(read(["--compat", "0.2", ...words])).toEqual(options);
  expect(read([...words, "--compat=0.2"])).toEqual(options);
  expect(read(words, { SCALESOCKET_COMPAT: "0.2" })).toEqual(options);
});

test.each([
  [{ SCALESOCKET_JSON: "1" }, json02],
  [{ SCALESOCKET_JSON: "false" }, fields],
  [{ SCALESOCKET_JSON: "" }, fields],
  [
    { SCALESOCKET_JSON: "true", SCALESOCKET_LEAVEMSG: "bye" },
    { ...json02, leaveMessage: "bye" },
  ],
  [{ SCALESOCKET_TOFIELD: "to" }, { ...fields, toField: "to" }],
])("version 0.2 reads the environment %o so", (environment, expected) => {
  expect(read(["--compat", "0.2", "cat"], environment)).toEqual(completeOptions({ ...expected, compat: "0.2" }));
});

test("version 0.2 reads no nonsense in place of true or false, and says where it stands", async () => {
  const expected = 'expected true or false, got "yes"';
  expect(() => read(["--compat", "0.2", "cat"], { SCALESOCKET_JSON: "yes" })).toThrow(`SCALESOCKET_JSON: ${expected}`);
  await using folder = await tempFolder();
  const path = folder.at("game.toml");
  writeFileSync(path, 'compat = "0.2"\njson = "yes"\n');
  expect(() => read(["--config", path, "cat"])).toThrow(`${path}: json: ${expected}`);
});

test("what is given as a flag wins over the environment", () => {
  const { joinMessage } = read(["--compat", "0.2", "--json", "cat"], { SCALESOCKET_JOINMSG: "from the environment" });
  expect(joinMessage).toBe(json02.joinMessage);
});

test("without --compat nothing is read in another way", () => {
  const options = read(["--json", "--frame", "--joinmsg", "--compat", "--leavemsg", "0.2", "cat"]);
  const expected = { log: "json", frame: "binary", joinMessage: "--compat", leaveMessage: "0.2" };
  expect(options).toEqual(completeOptions(expected));
});

test("the last --compat counts, and what is no version is an error", () => {
  expect(() => read(["--compat", "0.2", "--compat=0.3", "cat"])).toThrow('--compat: expected one of 0.2, got "0.3"');
  expect(() => read(["cat"], { SCALESOCKET_COMPAT: "1" })).toThrow("SCALESOCKET_COMPAT: expected one of 0.2");
  expect(() => read(["cat", "--compat"])).toThrow("argument missing");
});

test("what follows -- is the command's own", () => {
  const parsed = parseCommandLine(["--compat", "0.2", "cat", "--", "--json", "--frame"], {});
  expect(parsed).toMatchObject({ args: ["--json", "--frame"], options: fields });
});

function read(words: readonly string[], environment: NodeJS.ProcessEnv = {}): Options {
  const parsed = parseCommandLine(words, environment);
  if (parsed.kind !== "run") throw new Error("nothing to run");
  expect(parsed.command).toBe("cat");
  return parsed.options;
}
