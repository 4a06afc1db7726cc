import { expect, test } from "vitest";
import { getChromium } from "../../browser/chromium.ts";
import type { Machine } from "../../helpers/machine.ts";

interface FakeMachine extends Machine {
  readonly programs: Set<string>;
  /** What was run, without options. */
  readonly ran: string[];
}

interface Setting {
  readonly programs?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly isRoot?: boolean;
  /** What fails, and how. */
  readonly failures?: Readonly<Record<string, unknown>>;
}

const aptGet = "/usr/bin/apt-get";
const chromium = "/usr/bin/chromium";

function fakeMachine({ programs = [], environment = {}, isRoot = true, failures = {} }: Setting): FakeMachine {
  const machine: FakeMachine = {
    programs: new Set(programs),
    ran: [],
    environment: { PATH: "/bin::/usr/bin", ...environment },
    isRoot,
    isProgram: (path) => machine.programs.has(path),
    run: async (program, words, timeoutMs) => {
      expect(timeoutMs).toBeLessThanOrEqual(120_000);
      const step = words.find((word) => /^(?:--download-only|--no-download|update)$/.test(word)) ?? "";
      machine.ran.push(`${program} ${step}`);
      if (step in failures && machine.ran.length < 3) throw failures[step];
      if (step === "--no-download") machine.programs.add(chromium);
    },
  };
  return machine;
}

test("the browser is the one of CHROMIUM_PATH, or that in PATH, and nothing is installed then", async () => {
  const environment = { CHROMIUM_PATH: "/opt/chrome" };
  const both = fakeMachine({ programs: ["/opt/chrome", chromium, aptGet], environment });
  expect(await getChromium(both)).toEqual({ path: "/opt/chrome" });
  const one = fakeMachine({ programs: [chromium, aptGet] });
  expect(await getChromium(one)).toEqual({ path: chromium });
  expect([...both.ran, ...one.ran]).toEqual([]);
});

test("a wrong CHROMIUM_PATH is an error", async () => {
  const machine = fakeMachine({ programs: [chromium], environment: { CHROMIUM_PATH: "/nowhere" } });
  await expect(getChromium(machine)).rejects.toThrow('CHROMIUM_PATH: expected a program, got "/nowhere"');
});

test("root of a Debian system gets the browser, downloaded before anything is changed", async () => {
  const machine = fakeMachine({ programs: [aptGet] });
  expect(await getChromium(machine)).toEqual({ path: chromium });
  expect(machine.ran).toEqual([`${aptGet} --download-only`, `${aptGet} --no-download`]);
});

test("the lists of packages are fetched where the package is not known", async () => {
  const machine = fakeMachine({ programs: [aptGet], failures: { "--download-only": new Error("no such package") } });
  expect(await getChromium(machine)).toEqual({ path: chromium });
  expect(machine.ran).toEqual([
    `${aptGet} --download-only`,
    `${aptGet} update`,
    `${aptGet} --download-only`,
    `${aptGet} --no-download`,
  ]);
});

test.each([
  ["no apt-get", {}, "there is no chromium in PATH or CHROMIUM_PATH, and no apt-get"],
  [
    "no root",
    { programs: [aptGet], isRoot: false },
    "there is no chromium in PATH or CHROMIUM_PATH, and only root can install it",
  ],
  [
    "no network",
    {
      programs: [aptGet],
      failures: { "--download-only": new Error(), update: { stderr: "Err:1 x\nE: Failed to fetch\nE: More\n" } },
    },
    "apt-get cannot install chromium: E: Failed to fetch",
  ],
  [
    "a network that is too slow",
    { programs: [aptGet], failures: { "--download-only": new Error(), update: { killed: true } } },
    "apt-get cannot install chromium: it takes too long",
  ],
  [
    "a package that fails",
    { programs: [aptGet], failures: { "--no-download": new Error("one line\nanother") } },
    "apt-get cannot install chromium: Error: one line",
  ],
] as const)("with %s one line says why there is no browser", async (_name, setting, missing) => {
  expect(await getChromium(fakeMachine(setting))).toEqual({ missing });
});
