import { mkdirSync, writeFileSync } from "node:fs";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CommandLine, parseCommandLine } from "../../../src/cli/command-line.ts";
import { completeOptions, namingsOf, optionNames, optionTable } from "../../../src/options.ts";
import { type TempFolder, tempFolder } from "../../helpers/temp-folder.ts";

let folder: TempFolder;

beforeAll(async () => {
  folder = await tempFolder();
});
afterAll(async () => folder[Symbol.asyncDispose]());

describe("what a file may say", () => {
  test("options under the names of their flags, in natural types", () => {
    const { command, args, options } = run(
      write(
        "game.toml",
        `
        command = "./game.py"
        args = ["--level", "3"]
        addr = "127.0.0.1:0"
        maxmessage = "64K"
        clientbuffer = 65536
        metrics = true
        stats = false
        killgrace = 0.5
        verbose = 1
        passenv = ["PATH", "HOME"]
        joinmsg = """{"join":#ID}"""
        `,
      ),
    );

    expect({ command, args }).toEqual({ command: "./game.py", args: ["--level", "3"] });
    expect(options).toMatchObject({
      addresses: [{ host: "127.0.0.1", port: 0 }],
      maxMessageBytes: 65_536,
      clientBufferBytes: 65_536,
      metrics: true,
      stats: false,
      killGraceMs: 500,
      verbosity: 1,
      passedVariables: ["PATH", "HOME"],
      joinMessage: '{"join":#ID}',
    });
  });

  test("the same as JSON, also behind a byte order mark", () => {
    const text = '{"command": "cat", "cmd-attach-delay": 2, "workers": "auto", "rooms": ["a", "b"], "passenv": "A,B"}';
    const { options } = run(write("mark.JSON", `\uFEFF${text}`));
    expect(options).toMatchObject({ attachDelayMs: 2000, workers: "auto", rooms: ["a", "b"] });
    expect(options.passedVariables).toEqual(["A", "B"]);
  });

  test("aliases, with what they stand for", () => {
    const { options } = run(write("alias.json", '{"command": "cat", "delay": 1, "json": true, "maxforks": 3}'));
    expect(options).toMatchObject({ attachDelayMs: 1000, log: "json", maxRooms: 3 });
    expect(run(write("no-alias.json", '{"command": "cat", "json": false}')).options.log).toBe("text");
  });

  test.each(optionNames.filter((name) => name !== "config" && name !== "printConfig"))("%s", (name) => {
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
    const key = namingsOf(name)[0]?.key ?? "";
    const tls = { tlscert: "cert", tlskey: "key", workers: 0 };
    const isAboutTokens = ["authAudience", "authIssuer", "authParam"].includes(name);
    const companions = { cache: 1, ...tls, ...(isAboutTokens && { "auth-jwt-key": "key.pem" }) };
    const file = write("each.json", JSON.stringify({ command: "cat", ...companions, [key]: text }));
    expect(run(file).options[name]).toEqual(spec.parse(text ?? ""));
  });
});

describe("what goes before what", () => {
  test("a flag wins over the environment, that over the file, and that over the default", () => {
    const environment = { SCALESOCKET_KILLGRACE: "2", SCALESOCKET_LINGER: "2" };
    const { options } = run(orderFile(), ["--killgrace", "3"], environment);
    expect(options).toMatchObject({ killGraceMs: 3000, lingerMs: 2000 });
    expect(run(orderFile()).options).toMatchObject({ killGraceMs: 1000, lingerMs: 1000, pingIntervalMs: 25_000 });
  });

  test("the command of the line comes with its own arguments, and arguments alone replace those of the file", () => {
    expect(run(orderFile(), ["tac"])).toMatchObject({ command: "tac", args: [] });
    expect(run(orderFile(), ["tac", "--", "-b"])).toMatchObject({ command: "tac", args: ["-b"] });
    expect(run(orderFile(), ["--", "-b"])).toMatchObject({ command: "cat", args: ["-b"] });
    expect(run(orderFile(), ["--"])).toMatchObject({ command: "cat", args: [] });
    expect(run(orderFile())).toMatchObject({ command: "cat", args: ["-u"] });
  });

  test("the file can be named in the environment, and a flag names another one instead", () => {
    const other = write("other.json", '{"command": "tac"}');
    expect(parseCommandLine([], { SCALESOCKET_CONFIG: orderFile() })).toMatchObject({ command: "cat" });
    expect(parseCommandLine(["--config", other], { SCALESOCKET_CONFIG: orderFile() })).toMatchObject({
      command: "tac",
    });
  });

  test("--help and a bad flag do not wait for a good file", () => {
    expect(parseCommandLine(["--help"], { SCALESOCKET_CONFIG: "/no/such.json" }).kind).toBe("print");
    expect(() => parseCommandLine(["--no"], { SCALESOCKET_CONFIG: "/no/such.json" })).toThrow("unknown option");
  });
});

describe("a file that is to be read as by version 0.2", () => {
  test("can say so itself, and what it says wins over what that version took for granted", () => {
    const file = write("compat.toml", 'command = "cat"\ncompat = "0.2"\nfromfield = "who"\n');
    expect(run(file).options).toMatchObject({ compat: "0.2", fromField: "who", toField: "_to" });
    expect(run(file, ["--frame"]).options).toMatchObject({ frame: "json" });
    expect(run(file, [], { SCALESOCKET_FROMFIELD: "sender" }).options.fromField).toBe("sender");
    expect(run(write("compat.json", '{"command": "cat", "compat": 0.2}')).options.compat).toBe("0.2");
  });

  test("has that version's meaning of json, and what is said beside it wins", () => {
    const file = write("json.toml", 'command = "cat"\njson = true\nleavemsg = "bye"\n');
    const expected = { frame: "json", log: "text", joinMessage: '{"t":"Join","_from":#ID}', leaveMessage: "bye" };
    expect(run(file, ["--compat", "0.2"]).options).toMatchObject(expected);
    expect(run(file, [], { SCALESOCKET_COMPAT: "0.2" }).options).toMatchObject(expected);
    expect(run(file, ["--compat", "0.2"], { SCALESOCKET_JOINMSG: "hi" }).options.joinMessage).toBe("hi");
    expect(run(file).options).toMatchObject({ log: "json", frame: undefined });
  });
});

describe("what is wrong is told with the file", () => {
  const commandExpected = "command: expected the command to wrap as text without NUL; its arguments stand in args";
  const argsExpected = 'args: expected a list of texts without NUL, such as ["--level", "3"]';

  test.each([
    ['{"maxmesage": 1}', 'unknown key "maxmesage" (did you mean maxmessage?)'],
    ['{"comand": "cat"}', 'unknown key "comand" (did you mean command?)'],
    ['{"--addr": "a:1"}', 'unknown key "--addr" (did you mean addr?)'],
    ['{"zzzzzzzz": 1}', 'unknown key "zzzzzzzz"'],
    ['{"listening": {"addr": "a:1"}}', 'unknown key "listening"; options stand at the top of the file, not in tables'],
    ['{"__proto__": 1}', 'unknown key "__proto__"'],
    ['{"config": "other.json"}', 'unknown key "config"'],
    ['{"print-config": true}', 'unknown key "print-config"'],
    ['{"killgrace": "soon"}', 'killgrace: expected seconds from 0 to 3600, got "soon"'],
    ['{"killgrace": true}', "killgrace: expected seconds from 0 to 3600, got true"],
    ['{"killgrace": null}', "killgrace: expected seconds from 0 to 3600, got null"],
    ['{"killgrace": [1]}', 'killgrace: expected seconds from 0 to 3600, got "[...]"'],
    ['{"killgrace": {"s": 1}}', 'killgrace: expected seconds from 0 to 3600, got "{...}"'],
    ['{"maxmessage": 1.5}', "maxmessage: expected bytes from 1 to 512M, with or without a unit (K, M, G), got"],
    ['{"delay": -1}', "delay: expected seconds from 0 to 3600, got"],
    ['{"metrics": "yes"}', 'metrics: expected true or false, got "yes"'],
    ['{"frame": true}', "frame: expected one of binary, json, got true"],
    [
      '{"rooms": ["a", "b,c"]}',
      'rooms: expected names of rooms with commas between them, none of them reserved, got "b,c"',
    ],
    [
      '{"rooms": ["a", ["b"]]}',
      'rooms: expected names of rooms with commas between them, none of them reserved, got "[...]"',
    ],
    ['{"rooms": ["a", ""]}', 'rooms: expected names of rooms with commas between them, none of them reserved, got ""'],
    [
      '{"rooms": ["a", "b c"]}',
      'rooms: expected names of rooms with commas between them, none of them reserved, got "b c"',
    ],
    ['{"rooms": []}', 'rooms: expected names of rooms with commas between them, none of them reserved, got ""'],
    ['{"header": "X-A: 1\\nX-B: 2"}', "header: expected Name: value in printable ASCII"],
    ['{"header": ["X-A: 1\\nX-B: 2"]}', "header: expected Name: value in printable ASCII"],
    ['{"command": ""}', `${commandExpected}, got ""`],
    ['{"command": ["cat", "-u"]}', `${commandExpected}, got ["cat","-u"]`],
    ['{"command": "ca\\u0000t"}', `${commandExpected}, got "ca\\u0000t"`],
    ['{"args": "-u"}', `${argsExpected}, got "-u"`],
    ['{"args": ["--level", 3]}', `${argsExpected}, got 3`],
    ['{"args": ["--level", "\\u0000"]}', `${argsExpected}, got "\\u0000"`],
    ['{"addr": "a:1",\n  "metrics": yes}', "line 2, column 14: not JSON: expected a value"],
    ['{"addr": "a:1",\n  "addr": "b:1"}', 'line 2, column 3: not JSON: "addr" is there twice'],
    ["", "line 1, column 1: not JSON: expected a value"],
    ["[1]", "expected an object with options"],
    ['"cat"', "expected an object with options"],
    ["null", "expected an object with options"],
  ])("%s", (text, message) => {
    const file = write("wrong.json", text);
    expect(() => run(file)).toThrow(`${file}: ${message}`);
  });

  test.each([
    ['addr = "a:1"\nmetrics = yes\n', /: line 2, column \d+: not TOML: /],
    ['addr = "a:1"\naddr = "b:1"\n', /: line 2, column \d+: not TOML: /],
    ['[listening]\naddr = "a:1"\n', /: unknown key "listening"; options stand at the top/],
    ["killgrace = 2020-01-01\n", /: killgrace: expected seconds from 0 to 3600, got "2020-01-01/],
    ["killgrace = inf\n", /: killgrace: expected seconds from 0 to 3600, got "Infinity"/],
  ])("%j", (text, message) => {
    const file = write("wrong.toml", text);
    expect(() => run(file)).toThrow(message);
    expect(() => run(file)).toThrow(file);
  });

  test("two names that contradict each other, with both", () => {
    const file = write("both.json", '{"delay": 1, "cmd-attach-delay": 2}');
    expect(() => run(file)).toThrow(`${file}: cmd-attach-delay=2 and ${file}: delay=1 contradict each other`);
  });

  test("a file that cannot be read, is too large or no text", () => {
    expect(() => run("/no/such.json")).toThrow('--config: cannot read "/no/such.json": there is no such file');
    mkdirSync(folder.at("folder.json"));
    expect(() => run(folder.at("folder.json"))).toThrow("it is a folder");
    expect(() => run(write("large.json", " ".repeat(256 * 1024 + 1)))).toThrow("is larger than 256 KiB");
    expect(() => run(write("latin1.json", Buffer.from('{"joinmsg": "\xe9"}', "latin1")))).toThrow("is not UTF-8");
    expect(() => run(write("game.yaml", ""))).toThrow("expected a file whose name ends in .json or .toml");
    expect(() => run("/dev/zero")).toThrow("is larger than 256 KiB");
  });

  test("a command that stands nowhere", () => {
    expect(() => run(write("none.json", '{"args": ["-u"]}'))).toThrow("the command to wrap is missing");
  });
});

describe("--print-config", () => {
  test("prints all that is in force, and nothing of where it comes from", () => {
    const file = write("print.toml", 'command = "cat"\nkillgrace = 1\nlinger = 1\n');
    const printed = print(["--config", file, "--killgrace=2", "--json", "--print-config", "--", "-u"], {
      SCALESOCKET_LINGER: "0.5",
    });
    expect(printed).toMatchObject({ command: "cat", args: ["-u"], killgrace: 2, linger: 0.5, log: "json" });
    expect(printed).toMatchObject({ metrics: false, maxmessage: "1M", workers: "auto" });
    expect(printed).toMatchObject({ verbose: 0, passenv: ["PATH", "DYLD_LIBRARY_PATH"] });
    expect(Object.keys(printed)).not.toContain("config");
    expect(Object.keys(printed)).not.toContain("print-config");
    expect(Object.keys(printed)).not.toContain("json");
    expect(Object.keys(printed)).not.toContain("staticdir");
  });

  test("needs no command, and refuses what would not run", () => {
    expect(print(["--print-config"])).not.toHaveProperty("command");
    expect(() => print(["--print-config", "--cachepersist"])).toThrow("--cachepersist");
  });

  test("read as a file again, it says the same, whatever was given", () => {
    const texts: Record<string, fc.Arbitrary<string>> = {
      addr: fc.constantFrom("[::1]:1", "a:0"),
      workers: fc.constantFrom("0", "3", "auto"),
      maxmessage: fc.constantFrom("1", "64K", "65536", "1M"),
      killgrace: fc.constantFrom("0", "0.5", "1.50", "3600"),
      nice: fc.constantFrom("-20", "7"),
      frame: fc.constantFrom("json", "binary", "gwsocket"),
      joinmsg: fc.string({ unit: "binary" }).filter((text) => !text.includes("\0")),
      leavemsg: fc.constantFrom("", "5", "0.50", "true", " ", "\n"),
      passenv: fc.constantFrom("", "A", "A, B"),
      rooms: fc.constantFrom("lobby", "a,b"),
      metrics: fc.constantFrom("true", "0", ""),
      verbose: fc.constantFrom("0", "2"),
      json: fc.constantFrom("0", "1"),
      compat: fc.constant("0.2"),
      delay: fc.constantFrom("0", "1.0"),
      cache: fc.constantFrom("5", "tagged:1", "all:05"),
      delimiters: fc.constantFrom("\\0", "\\x1e"),
      basepath: fc.constantFrom("/", "/x/"),
      header: fc.constantFrom("", "X-A: b, c", "X-A: b\n\nX-B:c\n"),
    };
    const given = fc.record(texts, { requiredKeys: [] });
    const args = fc.array(fc.string().filter((text) => !text.includes("\0")));
    fc.assert(
      fc.property(given, args, (values, words) => {
        const environment = Object.fromEntries(
          Object.entries(values).map(([key, text]) => [`SCALESOCKET_${key.toUpperCase()}`, String(text)]),
        );
        const meant = attempt(() => parseCommandLine(["cat", "--", ...words], environment));
        fc.pre(meant !== undefined);
        const printed = JSON.stringify(print(["--print-config", "cat", "--", ...words], environment));
        const again = run(write("again.json", printed));
        expect({ ...again, options: { ...again.options, config: undefined } }).toEqual(meant);
      }),
      { numRuns: 300 },
    );
  });
});

function orderFile(): string {
  return write("order.json", '{"command": "cat", "args": ["-u"], "killgrace": 1, "linger": 1}');
}

function attempt<Value>(action: () => Value): Value | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

function write(name: string, text: string | Buffer): string {
  const path = folder.at(name);
  writeFileSync(path, text);
  return path;
}

function run(file: string, words: readonly string[] = [], environment = {}): CommandLine & { kind: "run" } {
  const parsed = parseCommandLine(["--config", file, ...words], environment);
  if (parsed.kind !== "run") throw new Error("nothing to run");
  expect(parsed.options).toEqual(completeOptions(parsed.options));
  return parsed;
}

function print(words: readonly string[], environment = {}): Record<string, unknown> {
  const parsed = parseCommandLine(words, environment);
  if (parsed.kind !== "print") throw new Error("nothing to print");
  return JSON.parse(parsed.text) as Record<string, unknown>;
}
