import { expect, test } from "vitest";
import { type CommandLine, parseCommandLine } from "../../../src/cli/command-line.ts";
import { ServerError } from "../../../src/errors.ts";
import { completeOptions, type OptionName, optionNames, optionTable, variableOf } from "../../../src/options.ts";
import { version } from "../../../src/version.ts";

test("a command alone runs with all defaults", () => {
  expect(parse("cat")).toEqual({ kind: "run", command: "cat", args: [], options: completeOptions({}) });
});

test("options may stand before and after the command, and the last one of a kind counts", () => {
  const before = parse("--metrics", "--addr", "[::1]:1", "--frame=json", "cat");
  const after = parse("cat", "--metrics", "--addr=[::1]:1", "--frame=json");
  const around = parse("--log", "text", "--frame", "--metrics", "--addr", "[::1]:1", "cat", "--frame=json");

  expect(before.options).toMatchObject({ metrics: true, addresses: [{ host: "::1", port: 1 }], frame: "json" });
  expect(after).toEqual(before);
  expect(around).toEqual(before);
});

test("what follows the first -- is the command's own", () => {
  const { command, args, options } = parse("cat", "--", "--metrics", "-v", "--frame", "", "--", "--no-such", "--help");

  expect(command).toBe("cat");
  expect(args).toEqual(["--metrics", "-v", "--frame", "", "--", "--no-such", "--help"]);
  expect(options).toEqual(completeOptions({}));
  expect(parse("cat", "--").args).toEqual([]);
});

test("a command may be a path or a lone dash", () => {
  expect(parse("./my program").command).toBe("./my program");
  expect(parse("-").command).toBe("-");
});

test("--frame alone means binary, wherever it stands", () => {
  expect(parse("--frame", "cat")).toMatchObject({ command: "cat", options: { frame: "binary" } });
  expect(parse("cat", "--frame")).toMatchObject({ command: "cat", options: { frame: "binary" } });
  expect(parse("--frame", "--metrics", "cat").options).toMatchObject({ frame: "binary", metrics: true });
  expect(messageOf("--frame=", "cat")).toBe('--frame: expected one of binary, json, got ""');
});

test("-v counts, alone and among others", () => {
  expect(parse("cat").options.verbosity).toBe(0);
  expect(parse("-v", "cat").options.verbosity).toBe(1);
  expect(parse("-vv", "cat").options.verbosity).toBe(2);
  expect(parse("-v", "cat", "-v").options.verbosity).toBe(2);
  expect(parse("-vvvvv", "cat").options.verbosity).toBe(2);
  expect(parse("-bv", "cat").options).toMatchObject({ binary: true, verbosity: 1 });
  expect(parse("--verbose", "cat", "--verbose").options.verbosity).toBe(2);
});

test("an empty list of variables can be written in two ways", () => {
  expect(parse("--passenv", "", "cat").options.passedVariables).toEqual([]);
  expect(parse("--passenv=", "cat").options.passedVariables).toEqual([]);
});

test("a flag with a list adds to it each time that it is given", () => {
  expect(parse("--passenv", "A,B", "cat", "--passenv=C").options.passedVariables).toEqual(["A", "B", "C"]);
  expect(parse("--passenv=", "--passenv", "A", "cat", "--passenv=").options.passedVariables).toEqual(["A"]);
  expect(runWith({ SCALESOCKET_PASSENV: "A" }, "cat", "--passenv", "B").options.passedVariables).toEqual(["B"]);
  expect(messageOf("--rooms", "a", "--rooms", "b c", "cat")).toBe(
    '--rooms: expected names of rooms with commas between them, none of them reserved, got "b c"',
  );
});

test("a header is given with a flag of its own, and several of them on lines of a variable", () => {
  const two = [
    { name: "X-A", value: "1, 2" },
    { name: "X-B", value: "3" },
  ];
  expect(parse("--header", "X-A: 1, 2", "cat", "--header=X-B:3").options.headers).toEqual(two);
  expect(runWith({ SCALESOCKET_HEADER: "X-A: 1, 2\nX-B: 3\n" }, "cat").options.headers).toEqual(two);
  expect(messageOf("cat", "--header", "X-A: 1\nX-B: 3")).toMatch(/^--header: expected .*, got "X-A: 1\\nX-B: 3"$/);
  expect(messageOf("cat", "--header", "X-A: 1", "--header", "Connection: x")).toMatch(/, got "Connection: x"$/);
});

test("a value may begin with a dash", () => {
  expect(parse("cat", "--joinmsg", "-#ID").options.joinMessage).toBe("-#ID");
  expect(parse("cat", "--joinmsg=--#ID").options.joinMessage).toBe("--#ID");
  expect(parse("cat", "--joinmsg", "--frame").options).toMatchObject({ joinMessage: "--frame", frame: undefined });
});

/** What some options need beside them. */
const companions: Partial<Record<OptionName, OptionName>> = {
  cachePersist: "cache",
  authAudience: "authJwtKey",
  authIssuer: "authJwtKey",
  authParam: "authJwtKey",
};

/** What says what to do with the others is tested on its own. */
const ownTests = new Set(["config", "printConfig"]);

test.each(optionNames.filter((name) => !ownTests.has(name)))("%s can be set by its environment variable", (name) => {
  const spec = optionTable[name];
  const texts = [
    spec.bareText,
    spec.defaultText,
    "7",
    "7M",
    "lines",
    "http://a",
    "unix",
    "0.2",
    "text",
    "a:1",
    "https://localhost",
  ];
  const text = texts.find((each) => each !== undefined && spec.parse(each) !== undefined);
  if (text === undefined) throw new Error("no text is good");
  const value = optionTable[name].parse(text);

  expect(value).not.toBe(undefined);
  const companion = companions[name];
  const tls = { SCALESOCKET_TLSCERT: "cert", SCALESOCKET_TLSKEY: "key", SCALESOCKET_WORKERS: "0" };
  const environment = { ...tls, ...(companion && { [variableOf(companion)]: "1" }), [variableOf(name)]: text };
  expect(parseCommandLine(["cat"], environment)).toMatchObject({ options: { [name]: value } });
});

test("an option can be given under another name, on the command line and in the environment", () => {
  expect(parse("cat", "--delay", "2").options).toMatchObject({ attachDelayMs: 2000 });
  expect(parse("cat", "--delay=2", "--cmd-attach-delay", "2.0").options).toMatchObject({ attachDelayMs: 2000 });
  expect(runWith({ SCALESOCKET_DELAY: "3" }, "cat").options).toMatchObject({ attachDelayMs: 3000 });
  expect(runWith({ SCALESOCKET_CMD_ATTACH_DELAY: "x" }, "cat", "--delay", "1").options.attachDelayMs).toBe(1000);
});

test("a name that stands for a value sets it, or nothing", () => {
  expect(parse("cat").options.log).toBe("text");
  expect(parse("cat", "--log", "json").options.log).toBe("json");
  expect(parse("cat", "--json").options.log).toBe("json");
  expect(parse("cat", "--json", "--log=json").options.log).toBe("json");
  expect(runWith({ SCALESOCKET_JSON: "1" }, "cat").options.log).toBe("json");
  expect(runWith({ SCALESOCKET_JSON: "0" }, "cat").options.log).toBe("text");
  expect(runWith({ SCALESOCKET_JSON: "0", SCALESOCKET_LOG: "json" }, "cat").options.log).toBe("json");
  expect(runWith({ SCALESOCKET_JSON: "1" }, "cat", "--log", "text").options.log).toBe("text");
});

test("two names of one option that contradict each other are an error which names both", () => {
  expect(messageOf("cat", "--json", "--log", "text")).toBe(
    "--log=text and --json contradict each other: both set --log",
  );
  expect(messageOf("cat", "--delay=1", "--cmd-attach-delay=2")).toBe(
    "--cmd-attach-delay=2 and --delay=1 contradict each other: both set --cmd-attach-delay",
  );
  expect(errorOf(() => parseCommandLine(["cat"], { SCALESOCKET_JSON: "true", SCALESOCKET_LOG: "text" })).message).toBe(
    "SCALESOCKET_LOG=text and SCALESOCKET_JSON contradict each other: both set --log",
  );
});

test("a bad value under another name is told with that name", () => {
  expect(messageOf("cat", "--delay", "x")).toBe('--delay: expected seconds from 0 to 3600, got "x"');
  expect(messageOf("cat", "--json=yes")).toBe("option '--json' takes no value");
  expect(errorOf(() => parseCommandLine(["cat"], { SCALESOCKET_JSON: "yes" })).message).toBe(
    'SCALESOCKET_JSON: expected true or false, got "yes"',
  );
  expect(messageOf("cat", "--dela", "1")).toMatch(/\(Did you mean --delay\?\)$/);
});

test("other variables mean nothing", () => {
  const environment = { ADDR: "a:1", SCALESOCKET_address: "a:1", SCALESOCKET_ADDRESS: "a:1", scalesocket_addr: "a:1" };

  expect(parseCommandLine(["cat"], environment)).toEqual(parse("cat"));
});

test("a flag wins over its variable, which is not even read then", () => {
  const environment = { SCALESOCKET_ADDR: "nonsense", SCALESOCKET_VERBOSE: "2", SCALESOCKET_METRICS: "false" };
  const { options } = run(parseCommandLine(["cat", "--addr", "a:1", "-v", "--metrics"], environment));

  expect(options).toMatchObject({ addresses: [{ host: "a", port: 1 }], verbosity: 1, metrics: true });
});

test("a bad value is named with where it stood", () => {
  expect(messageOf("cat", "--slow", "never")).toBe('--slow: expected one of pause, close, drop, got "never"');
  expect(messageOf("cat", "--addr", "--metrics")).toMatch(/^--addr: expected HOST:PORT .*, got "--metrics"$/);
  expect(errorOf(() => parseCommandLine(["cat"], { SCALESOCKET_SLOW: "" })).message).toBe(
    'SCALESOCKET_SLOW: expected one of pause, close, drop, got ""',
  );
});

test("a flag without its value, and a value for a flag that takes none, are told", () => {
  expect(messageOf("cat", "--addr")).toBe("option '--addr <ADDR>' argument missing");
  expect(messageOf("cat", "--addr", "--", "a:1")).toBe("option '--addr <ADDR>' argument missing");
  expect(messageOf("cat", "--metrics=true")).toBe("option '--metrics' takes no value");
  expect(messageOf("cat", "--help=yes")).toBe("option '--help' takes no value");
});

test("an unknown flag suggests the nearest one, with and without a value", () => {
  expect(messageOf("cat", "--metric")).toBe("unknown option '--metric'\n(Did you mean --metrics?)");
  expect(messageOf("cat", "--staticdri=.")).toBe("unknown option '--staticdri'\n(Did you mean --staticdir?)");
  expect(messageOf("cat", "--maxlin", "1")).toMatch(/\(Did you mean --maxline\?\)$/);
  expect(messageOf("--nothing-like-it=x", "cat")).toBe("unknown option '--nothing-like-it'");
  expect(messageOf("-x", "cat")).toBe("unknown option '-x'");
  expect(messageOf("cat", "--no-metrics")).toContain("unknown option '--no-metrics'");
});

test("a second word is told to go behind --", () => {
  expect(messageOf("grep", "a b", "c", "--metrics", "--", "d")).toBe(
    'unexpected "a b" "c" behind the command; put arguments of the command after --: scalesocket grep -- a b c',
  );
});

test("an option of the command is told to go behind --, with all that belongs to it", () => {
  const advice = "put arguments of the command after --: scalesocket";
  expect(messageOf("--metrics", "python3", "-u", "a.py")).toBe(`unknown option '-u'; ${advice} python3 -- -u a.py`);
  expect(messageOf("git", "log", "--graph=x", "--metrics")).toBe(
    `unknown option '--graph'; ${advice} git -- log --graph=x`,
  );
  expect(messageOf("python3", "-v", "a.py", "--metrics")).toBe(
    `unexpected "a.py" behind the command; ${advice} python3 -- -v a.py`,
  );
});

test("a value that stands behind its option without = is no command", () => {
  const told = "--frame takes its value with =: --frame=json";
  expect(messageOf("--frame", "json", "./game.py")).toBe(told);
  expect(messageOf("--metrics", "--frame", "json")).toBe(told);
  expect(messageOf("./game.py", "--frame", "json")).toBe(told);
  expect(messageOf("--log", "json", "--frame", "json", "./game.py")).toBe(told);
  expect(messageOf("--metrics", "true", "cat")).toBe('--metrics takes no value, got "true"');
  expect(messageOf("-v", "2", "cat")).toBe('-v takes no value, got "2"');
  expect(messageOf("--metrics", "cat", "true")).toContain('unexpected "true" behind the command');
  expect(parse("--metrics", "true")).toMatchObject({ command: "true", options: { metrics: true } });
  expect(parse("json", "--frame")).toMatchObject({ command: "json", options: { frame: "binary" } });
  expect(parse("--joinmsg", "--frame", "json")).toMatchObject({ command: "json", options: { joinMessage: "--frame" } });
});

test("a missing command is told, be it empty or only behind --", () => {
  for (const words of [[], [""], ["--metrics"], ["--", "cat"]]) {
    expect(messageOf(...words)).toBe("the command to wrap is missing: scalesocket [OPTIONS] <CMD> [-- <ARGS>...]");
  }
});

test("every message is a usage error and has no stack in it", () => {
  for (const words of [[], ["cat", "dog"], ["--nope", "cat"], ["--slow=x", "cat"], ["-b", "--frame", "cat"]]) {
    const error = errorOf(() => parseCommandLine(words, {}));
    expect(error.code).toBe("ERR_USAGE");
    expect(error.message).not.toMatch(/^error|\n\s+at /i);
  }
});

test("help and version are printed, whatever else is written", () => {
  for (const words of [["-h"], ["--help"], ["cat", "--help"], ["--help", "--slow=x"], ["cat", "dog", "-h"]]) {
    const printed = parseCommandLine(words, { SCALESOCKET_SLOW: "x" });
    expect(printed).toMatchObject({ kind: "print", text: expect.stringMatching(/^Usage: scalesocket /) });
  }
  expect(parseCommandLine(["-V"], {})).toEqual({ kind: "print", text: `${version}\n` });
  expect(parseCommandLine(["cat", "--version"], {})).toEqual({ kind: "print", text: `${version}\n` });
});

test("the help tells of every option, its default and the environment variables", () => {
  const printed = parseCommandLine(["--help"], {});
  const text = (printed.kind === "print" ? printed.text : "").replaceAll(/\s+/g, " ");

  for (const name of optionNames) {
    const { flag, help } = optionTable[name];
    expect(text).toContain(` ${flag.replace(" [MODE]", "[=MODE]")} ${help}`);
  }
  expect(text).toContain("[default: 0.0.0.0:9000]");
  expect(text).toContain("[one of binary, json; alone: binary]");
  expect(text).toContain("[one of pause, close, drop; default: pause]");
  expect(text).toContain("[default: PATH,DYLD_LIBRARY_PATH]");
  expect(text).toContain("--delay <SECONDS> Same as --cmd-attach-delay ");
  expect(text).toContain("--json Same as --log json ");
  expect(text).toContain("SCALESOCKET_ADDR");
  expect(text).toContain("What follows -- goes to the command untouched.");
});

function run(commandLine: CommandLine): CommandLine & { kind: "run" } {
  if (commandLine.kind !== "run") throw new Error(`prints ${commandLine.text}`);
  return commandLine;
}

function parse(...words: readonly string[]): CommandLine & { kind: "run" } {
  return run(parseCommandLine(words, {}));
}

function runWith(environment: NodeJS.ProcessEnv, ...words: readonly string[]): CommandLine & { kind: "run" } {
  return run(parseCommandLine(words, environment));
}

function messageOf(...words: readonly string[]): string {
  return errorOf(() => parseCommandLine(words, {})).message;
}

function errorOf(attempt: () => unknown): ServerError {
  try {
    attempt();
  } catch (error) {
    if (error instanceof ServerError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
