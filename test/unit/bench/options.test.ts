import { describe, expect, test } from "vitest";
import { parseBenchOptions } from "../../../bench/cli/bench-options.ts";
import { parseSoakOptions } from "../../../bench/cli/soak-options.ts";

const known = ["ingest", "rooms"];

describe("the options of the benchmark", () => {
  test("without any, all loads run three times", () => {
    expect(parseBenchOptions([], known)).toEqual({
      action: "run",
      only: undefined,
      runs: 3,
      peer: undefined,
      jsonFile: undefined,
      plotsFolder: undefined,
    });
  });

  test("each can be given, with = or without", () => {
    const words = ["--only", "rooms, ingest", "--runs=5", "--peer=other {addr}", "--json", "a.json", "--plots", "b"];
    expect(parseBenchOptions(words, known)).toEqual({
      action: "run",
      only: ["rooms", "ingest"],
      runs: 5,
      peer: "other {addr}",
      jsonFile: "a.json",
      plotsFolder: "b",
    });
  });

  test("help goes before the list", () => {
    expect(parseBenchOptions(["--list"], known).action).toBe("list");
    expect(parseBenchOptions(["--list", "--help"], known).action).toBe("help");
  });

  test.each([
    { words: ["--only", "rooms,nothing"], message: '--only: no load is called "nothing"; known are ingest, rooms' },
    { words: ["--runs", "0"], message: '--runs: expected a whole number from 1 to 100, got "0"' },
    { words: ["--runs", "1.5"], message: '--runs: expected a whole number from 1 to 100, got "1.5"' },
    { words: ["--runs", "many"], message: '--runs: expected a whole number from 1 to 100, got "many"' },
    { words: ["--peer", "other"], message: '--peer: expected a command with {addr}, got "other"' },
    { words: ["--fast"], message: "--fast" },
    { words: ["rooms"], message: "rooms" },
  ])("$words is refused", ({ words, message }) => {
    expect(() => parseBenchOptions(words, known)).toThrow(message);
  });
});

describe("the options of the soak", () => {
  test("without any, it takes a minute with a seed of its own", () => {
    expect(parseSoakOptions([], 7)).toEqual({ action: "run", seconds: 60, seed: 7 });
  });

  test("the time can be given in minutes or in seconds", () => {
    expect(parseSoakOptions(["--minutes", "5"], 7).seconds).toBe(300);
    expect(parseSoakOptions(["--minutes=0.5"], 7).seconds).toBe(30);
    expect(parseSoakOptions(["--seconds", "5", "--seed", "1"], 7)).toEqual({ action: "run", seconds: 5, seed: 1 });
  });

  test.each([
    { words: ["--minutes", "0"], message: "--minutes: expected a number from 0.01" },
    { words: ["--seed", "-1"], message: "--seed" },
    { words: ["--seed", "0.5"], message: "--seed: expected a whole number" },
    { words: ["--minutes", "1", "--seconds", "1"], message: "--minutes and --seconds" },
  ])("$words is refused", ({ words, message }) => {
    expect(() => parseSoakOptions(words, 7)).toThrow(message);
  });
});
