import { readdirSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { UsageError } from "../../../bench/cli/arguments.ts";
import { parseFuzzOptions } from "../../../bench/cli/fuzz-options.ts";
import { configurations } from "../../../bench/fuzz/configurations.ts";
import { conversation } from "../../../bench/fuzz/conversations.ts";
import { keepCase, keptCases } from "../../../bench/fuzz/kept-cases.ts";
import { mutate } from "../../../bench/fuzz/mutations.ts";
import { Random } from "../../../bench/observed/random.ts";
import { tempFolder } from "../../helpers/temp-folder.ts";

const [plain] = configurations;
if (plain === undefined) throw new Error("there are no configurations");

function sent(configuration: (typeof configurations)[number], seed: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const { packets, ending } = conversation(configuration, seed, index);
    return [ending, ...packets.map((packet) => packet.toString("latin1"))].join("|");
  });
}

test.each(configurations)(
  "the bytes for $name are the same for the same seed, and others for others",
  (configuration) => {
    const first = sent(configuration, 7, 200);
    expect(sent(configuration, 7, 200)).toEqual(first);
    // A short beginning may come twice by chance.
    expect(new Set([...first, ...sent(configuration, 8, 200)]).size).toBeGreaterThan(390);
  },
);

test("about half of the conversations get in, so that frames are fuzzed as well as requests", () => {
  const whole = sent(plain, 1, 500).map((text) => text.replaceAll("|", ""));
  const upgrades = whole.filter((text) => /^\w+GET \/fuzz-\d.*Sec-WebSocket-Version: 13\r\n\r\n/s.test(text));
  expect(upgrades.length).toBeGreaterThan(200);
  expect(upgrades.length).toBeLessThan(400);
});

test("what is mutated is mostly not what it was, and stays small enough to be sent", () => {
  const original = Buffer.from("GET /room HTTP/1.1\r\nHost: a\r\n\r\n");
  const random = new Random(3);
  const mutated = Array.from({ length: 500 }, () => mutate(random, original, Buffer.alloc(1000, "y")));
  expect(mutated.filter((bytes) => !bytes.equals(original)).length).toBeGreaterThan(480);
  expect(Math.max(...mutated.map(({ length }) => length))).toBeLessThan(50_000);
  expect(original.toString()).toBe("GET /room HTTP/1.1\r\nHost: a\r\n\r\n");
});

test("a case that was kept is read as it was, under a name that follows from what is in it", async () => {
  await using folder = await tempFolder();
  const conversations = [conversation(plain, 1, 1), conversation(plain, 1, 2)];
  const name = keepCase(folder.at("kept"), "plain", conversations, "it ended");
  expect(keepCase(folder.at("kept"), "plain", conversations, "it ended otherwise")).toBe(name);
  expect(readdirSync(folder.at("kept"))).toEqual([name]);
  expect(keptCases(folder.at("kept"))).toEqual([{ name, configuration: "plain", conversations }]);
  expect(keptCases(folder.at("nowhere"))).toEqual([]);
});

test("a case that is too large is not kept, and a file that is no case is named", async () => {
  await using folder = await tempFolder();
  const large = [{ packets: [Buffer.alloc(1024 * 1024)], ending: "end" as const }];
  expect(keepCase(folder.path, "plain", large, "it ended")).toBeUndefined();
  writeFileSync(folder.at("bad.json"), `{"configuration":"plain","conversations":[{"ending":"never","packets":[]}]}`);
  expect(() => keptCases(folder.path)).toThrow(`${folder.at("bad.json")} is no case of fuzzing`);
});

test("a case of a configuration that is no more is named, since it would never be sent", async () => {
  await using folder = await tempFolder();
  const name = keepCase(folder.path, "gone", [conversation(plain, 1, 1)], "it ended") ?? "none";
  expect(() => keptCases(folder.path)).toThrow(`${folder.at(name)} is no case of fuzzing`);
});

test("options of the command line", () => {
  expect(parseFuzzOptions([], 5)).toMatchObject({ action: "run", seconds: 60, seed: 5, folder: undefined });
  expect(parseFuzzOptions(["--seconds", "0", "--seed", "9", "--only", "json,plain"], 5)).toMatchObject({
    seconds: 0,
    seed: 9,
    configurations: ["json", "plain"],
  });
  expect(() => parseFuzzOptions(["--only", "plain,none"], 5)).toThrow(UsageError);
  expect(() => parseFuzzOptions(["--seed", "-1"], 5)).toThrow(UsageError);
});
