import { expect, test } from "vitest";
import { completeOptions, parseOption } from "../../src/complete-options.ts";
import { ServerError } from "../../src/errors.ts";
import { longFlag, namingsOf, optionWithOpenValue, variableOf } from "../../src/option-names.ts";
import { optionNames, type OptionName, type Options } from "../../src/options.ts";

const kib = 1024;
const mib = 1024 * kib;

const defaults: Options = {
  address: { host: "0.0.0.0", port: 9000 },
  oneshot: false,
  binary: false,
  frame: undefined,
  joinMessage: undefined,
  leaveMessage: undefined,
  tcp: false,
  tcpPorts: { start: 9001, end: 9999 },
  attachDelayMs: undefined,
  passedVariables: ["PATH", "DYLD_LIBRARY_PATH"],
  killGraceMs: 5000,
  prewarm: 0,
  stderr: "inherit",
  limitMemoryBytes: undefined,
  limitCpuSeconds: undefined,
  limitFiles: undefined,
  nice: undefined,
  maxMessageBytes: mib,
  maxLineBytes: 64 * mib,
  clientBufferBytes: 4 * mib,
  slow: "pause",
  slowTimeoutMs: 5000,
  pingIntervalMs: 25_000,
  staticDir: undefined,
  metrics: false,
  stats: false,
  log: "text",
  verbosity: 0,
};

const flags: Record<OptionName, string> = {
  address: "--addr",
  oneshot: "--oneshot",
  binary: "--binary",
  frame: "--frame",
  joinMessage: "--joinmsg",
  leaveMessage: "--leavemsg",
  tcp: "--tcp",
  tcpPorts: "--tcpports",
  attachDelayMs: "--cmd-attach-delay",
  passedVariables: "--passenv",
  killGraceMs: "--killgrace",
  prewarm: "--prewarm",
  stderr: "--stderr",
  limitMemoryBytes: "--limit-memory",
  limitCpuSeconds: "--limit-cpu",
  limitFiles: "--limit-files",
  nice: "--nice",
  maxMessageBytes: "--maxmessage",
  maxLineBytes: "--maxline",
  clientBufferBytes: "--clientbuffer",
  slow: "--slow",
  slowTimeoutMs: "--slowtimeout",
  pingIntervalMs: "--pinginterval",
  staticDir: "--staticdir",
  metrics: "--metrics",
  stats: "--stats",
  log: "--log",
  verbosity: "--verbose",
};

test("without any option there are the documented defaults", () => {
  expect(completeOptions({})).toEqual(defaults);
  expect(Object.keys(completeOptions({}))).toEqual(Object.keys(defaults));
});

test("what is given takes the place of the default, and undefined does not", () => {
  expect(completeOptions({ slow: "drop", metrics: true, killGraceMs: 0, address: undefined })).toEqual({
    ...defaults,
    slow: "drop",
    metrics: true,
    killGraceMs: 0,
  });
});

test("each option has its flag, and its variable is called after it", () => {
  expect(Object.fromEntries(optionNames.map((name) => [name, longFlag(name)]))).toEqual(flags);
  expect(variableOf("address")).toBe("SCALESOCKET_ADDR");
  expect(variableOf("attachDelayMs")).toBe("SCALESOCKET_CMD_ATTACH_DELAY");
});

test("other names come behind an option's own, with a variable each, and no two options share one", () => {
  expect(namingsOf("address")).toEqual([
    { flag: "--addr <ADDR>", longFlag: "--addr", variable: "SCALESOCKET_ADDR", means: undefined },
  ]);
  expect(namingsOf("attachDelayMs").map(({ longFlag: long }) => long)).toEqual(["--cmd-attach-delay", "--delay"]);
  expect(namingsOf("log")).toEqual([
    { flag: "--log <FORMAT>", longFlag: "--log", variable: "SCALESOCKET_LOG", means: undefined },
    { flag: "--json", longFlag: "--json", variable: "SCALESOCKET_JSON", means: "json" },
  ]);
  const variables = optionNames.flatMap(namingsOf).map(({ variable }) => variable);
  expect(new Set(variables).size).toBe(variables.length);
});

test("the value of --frame stands behind = only", () => {
  expect(optionWithOpenValue("--frame")).toBe("frame");
  expect(optionWithOpenValue("--frame=json")).toBe(undefined);
  expect(optionWithOpenValue("--addr")).toBe(undefined);
});

test.each<[OptionName, string, unknown]>([
  ["address", "127.0.0.1:9000", { host: "127.0.0.1", port: 9000 }],
  ["address", "localhost:0", { host: "localhost", port: 0 }],
  ["address", "my-host.example:65535", { host: "my-host.example", port: 65_535 }],
  ["address", "[::1]:80", { host: "::1", port: 80 }],
  ["address", "[::ffff:1.2.3.4]:80", { host: "::ffff:1.2.3.4", port: 80 }],
  ["metrics", "true", true],
  ["metrics", "TRUE", true],
  ["metrics", "1", true],
  ["metrics", "false", false],
  ["metrics", "0", false],
  ["metrics", "", false],
  ["frame", "binary", "binary"],
  ["frame", "json", "json"],
  ["slow", "close", "close"],
  ["log", "text", "text"],
  ["stderr", "clients", "clients"],
  ["prewarm", "0", 0],
  ["prewarm", "1000", 1000],
  ["log", "json", "json"],
  ["joinMessage", "", ""],
  ["joinMessage", "any #ID\n", "any #ID\n"],
  ["tcpPorts", "1:65535", { start: 1, end: 65_535 }],
  ["tcpPorts", "9001:9001", { start: 9001, end: 9001 }],
  ["attachDelayMs", "0", 0],
  ["attachDelayMs", "1", 1000],
  ["attachDelayMs", "0.25", 250],
  ["attachDelayMs", "3600", 3_600_000],
  ["slowTimeoutMs", "0.1", 100],
  ["passedVariables", "", []],
  ["passedVariables", "A", ["A"]],
  ["passedVariables", "_a1,B, C", ["_a1", "B", "C"]],
  ["limitMemoryBytes", "1M", mib],
  ["limitMemoryBytes", "2g", 2048 * mib],
  ["limitCpuSeconds", "1", 1],
  ["limitFiles", "64", 64],
  ["nice", "19", 19],
  ["nice", "-20", -20],
  ["nice", "0", 0],
  ["maxMessageBytes", "1", 1],
  ["maxMessageBytes", "65536", 65_536],
  ["maxMessageBytes", "64K", 64 * kib],
  ["maxMessageBytes", "64k", 64 * kib],
  ["maxMessageBytes", "64kB", 64 * kib],
  ["maxMessageBytes", "64KiB", 64 * kib],
  ["maxMessageBytes", "512M", 512 * mib],
  ["clientBufferBytes", "1G", 1024 * mib],
  ["verbosity", "0", 0],
  ["verbosity", "2", 2],
  ["verbosity", "7", 2],
])("%s can be written as %j", (name, text, value) => {
  const parsed = parseOption(name, text, "here");

  expect(parsed).toEqual(value);
  expect(completeOptions({ [name]: parsed })[name]).toEqual(value);
});

const expected: Partial<Record<OptionName, string>> = {
  address: "HOST:PORT with a port from 0 to 65535, such as 127.0.0.1:9000 or [::1]:9000",
  metrics: "true or false",
  frame: "one of binary, json",
  slow: "one of pause, close, drop",
  log: "one of text, json",
  stderr: "one of inherit, log, clients",
  prewarm: "a whole number from 0 to 1000",
  tcpPorts: "START:END with ports from 1 to 65535, the lower one first",
  attachDelayMs: "seconds from 0 to 3600",
  slowTimeoutMs: "seconds from 0.1 to 3600",
  pingIntervalMs: "seconds from 0.1 to 86400",
  passedVariables: "names of variables with commas between them, or nothing",
  limitMemoryBytes: "bytes from 1M to 65536G, with or without a unit (K, M, G)",
  limitCpuSeconds: "a whole number from 1 to 1000000000",
  limitFiles: "a whole number from 4 to 4294967295",
  nice: "a whole number from -20 to 19",
  maxMessageBytes: "bytes from 1 to 512M, with or without a unit (K, M, G)",
  clientBufferBytes: "bytes from 1K to 1G, with or without a unit (K, M, G)",
  verbosity: "a whole number from 0 to 2",
};

test.each<[OptionName, readonly string[]]>([
  [
    "address",
    [
      "",
      "9000",
      ":9000",
      "host",
      "host:",
      "host:x",
      "host:-1",
      "host:65536",
      "host:1:2",
      "::1:80",
      "[::1]",
      "[]:80",
      "[host]:80",
      "a b:80",
      "host:80 ",
      "host:1.5",
    ],
  ],
  ["metrics", ["yes", "no", "2", " true", "truE1", "on"]],
  ["frame", ["", "Binary", "xml", "binary,json", "__proto__", "constructor"]],
  ["slow", ["", "wait", "toString"]],
  ["log", ["", "JSON", "true", "xml"]],
  ["stderr", ["", "none", "log,clients", "Clients"]],
  ["prewarm", ["", "-1", "1001", "1.5", "two"]],
  ["tcpPorts", ["", "9001", "9001:", ":9999", "0:10", "10:9", "1:65536", "a:b", "1:2:3", "-1:5", "1-5", " 1:2"]],
  ["attachDelayMs", ["", "-1", "3600.1", "3601", "1e3", "1s", ".5", "1.", "NaN", "Infinity", "0x10", " 1", "1,5"]],
  ["slowTimeoutMs", ["0", "0.05", "0.0999"]],
  ["pingIntervalMs", ["0", "86401"]],
  ["passedVariables", [",", "A,", "A,,B", "1A", "A-B", "A=1", "A B", "Ä", "A\nB"]],
  [
    "maxMessageBytes",
    ["", "0", "-1", "1.5M", "1T", "1MM", "M", "1 M", "513M", "1G", "1e6", "0x10", "64B", "12345678901234567890"],
  ],
  ["clientBufferBytes", ["1023", "0K", "2G"]],
  ["limitMemoryBytes", ["", "0", "1048575", "512K", "65537G", "unlimited", "-1"]],
  ["limitCpuSeconds", ["", "0", "0.5", "1s", "-1", "1e3", "1000000001"]],
  ["limitFiles", ["", "3", "4294967296", "many", "1K"]],
  ["nice", ["", "-21", "20", "1.5", "--1", "+5", "low"]],
  ["verbosity", ["", "-1", "1.5", "v", "true"]],
])("%s cannot be written in any other way, and the message says how it can", (name, texts) => {
  for (const text of texts) {
    const error = errorOf(() => parseOption(name, text, "SOURCE"));
    expect(error.message).toBe(`SOURCE: expected ${expected[name]}, got ${JSON.stringify(text)}`);
    expect(error.code).toBe("ERR_USAGE");
  }
});

test.each<[OptionName, readonly unknown[]]>([
  [
    "address",
    [
      "127.0.0.1:9000",
      {},
      { host: "a" },
      { host: 1, port: 1 },
      { host: "a", port: 65_536 },
      { host: "a", port: "1" },
      { host: "a", port: 0.5 },
    ],
  ],
  ["metrics", ["true", 1, {}]],
  ["frame", ["xml", true, {}]],
  ["joinMessage", [1, true, {}]],
  [
    "tcpPorts",
    ["1:2", {}, { start: 2, end: 1 }, { start: 0, end: 1 }, { start: 1.5, end: 2 }, { start: "1", end: "2" }],
  ],
  ["attachDelayMs", [-1, 3_600_001, Number.NaN, Infinity, "1000"]],
  ["slowTimeoutMs", [99]],
  ["passedVariables", ["PATH", ["1A"], [1], {}, [undefined]]],
  ["maxMessageBytes", [0, 1.5, 512 * mib + 1, Number.NaN, "1M"]],
  ["limitMemoryBytes", [1, 1.5 * mib + 0.5, "1M"]],
  ["limitCpuSeconds", [0, 0.5, Number.NaN, "1"]],
  ["nice", [-21, 20, 0.5, "1"]],
  ["verbosity", [-1, 3, 0.5, "1"]],
])("%s is checked too where it did not come as text", (name, values) => {
  for (const value of values) {
    const error = errorOf(() => completeOptions({ [name]: value }));
    expect(error.message).toMatch(new RegExp(`^${name}: expected .*, got `));
    expect(error.code).toBe("ERR_USAGE");
  }
});

test("binary mode does not go together with framing", () => {
  for (const frame of ["binary", "json"]) {
    const error = errorOf(() => completeOptions({ binary: true, frame }));
    expect(error.message).toContain("--binary");
    expect(error.message).toContain(`--frame=${frame}`);
    expect(error.code).toBe("ERR_USAGE");
  }
  expect(completeOptions({ binary: true }).frame).toBe(undefined);
});

test.each([
  [{ binary: true }, "--binary"],
  [{ frame: "json" }, "--frame=json"],
  [{ frame: "binary" }, "--frame=binary"],
  [{ maxLineBytes: 65 * mib }, `--maxline=${65 * mib}`],
])("stderr for clients is lines, so it does not go together with %j", (other, name) => {
  const error = errorOf(() => completeOptions({ stderr: "clients", ...other }));
  expect(error.message).toContain("--stderr=clients");
  expect(error.message).toContain(name);
  expect(error.code).toBe("ERR_USAGE");
  expect(completeOptions({ stderr: "log", ...other })).toMatchObject({ stderr: "log", ...other });
});

test("processes are not started ahead that need the port of a room", () => {
  const error = errorOf(() => completeOptions({ prewarm: 2, tcp: true }));
  expect(error.message).toContain("--prewarm=2");
  expect(error.message).toContain("--tcp");
  expect(error.code).toBe("ERR_USAGE");
  expect(completeOptions({ prewarm: 0, tcp: true }).tcp).toBe(true);
});

function errorOf(run: () => unknown): ServerError {
  try {
    run();
  } catch (error) {
    if (error instanceof ServerError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
