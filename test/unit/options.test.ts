import { expect, expectTypeOf, test } from "vitest";
import { ServerError } from "../../src/errors.ts";
import { createServer, type Logger, type ServerOptions } from "../../src/index.ts";
import {
  completeOptions,
  longFlag,
  namingsOf,
  type OptionName,
  optionNames,
  type Options,
  optionWithOpenValue,
  parseOption,
  unexpected,
  variableOf,
} from "../../src/options.ts";
import { integer } from "../../src/options/kinds.ts";
import { list } from "../../src/options/list-kinds.ts";

const kib = 1024;
const mib = 1024 * kib;

const defaults: Options = {
  addresses: undefined,
  unixSocket: undefined,
  unixMode: 0o660,
  adminAddress: undefined,
  workers: "auto",
  drainWaitMs: 0,
  drainTimeMs: 10_000,
  oneshot: false,
  tlsCert: undefined,
  tlsKey: undefined,
  tlsCa: undefined,
  redirectAddress: undefined,
  binary: false,
  frame: undefined,
  clientFrame: undefined,
  serverFrame: undefined,
  fromField: "id",
  toField: "id",
  delimiters: undefined,
  nullDelimited: false,
  cache: undefined,
  cachePersist: false,
  compress: false,
  joinMessage: undefined,
  leaveMessage: undefined,
  tcp: false,
  tcpPorts: { start: 9001, end: 9999 },
  attachDelayMs: undefined,
  passedVariables: ["PATH", "DYLD_LIBRARY_PATH"],
  stderr: "inherit",
  prewarm: 0,
  killGraceMs: 5000,
  limitMemoryBytes: undefined,
  limitCpuSeconds: undefined,
  limitFiles: undefined,
  nice: undefined,
  lingerMs: 0,
  restart: "never",
  rooms: undefined,
  maxRooms: undefined,
  maxClients: undefined,
  maxConnections: undefined,
  allowedHosts: undefined,
  origins: undefined,
  sameOrigin: false,
  trustedProxies: undefined,
  maxPerAddress: undefined,
  connectionRate: undefined,
  maxHandshakes: 1024,
  maxMessageBytes: mib,
  maxLineBytes: 64 * mib,
  cacheBytes: 16 * mib,
  clientBufferBytes: 4 * mib,
  slow: "pause",
  slowTimeoutMs: 5000,
  pingIntervalMs: 25_000,
  messageRate: undefined,
  byteRate: undefined,
  burstMs: 5000,
  rateGraceMs: 10_000,
  messageTimeoutMs: 60_000,
  staticDir: undefined,
  metrics: false,
  stats: false,
  api: false,
  basePath: "",
  headers: [],
  subprotocols: undefined,
  authJwtKey: undefined,
  authJwks: undefined,
  authAudience: undefined,
  authIssuer: undefined,
  authParam: undefined,
  authUrl: undefined,
  authCacheMs: 0,
  authBasic: undefined,
  verbosity: 0,
  log: "text",
  config: undefined,
  printConfig: false,
  compat: undefined,
};

const flags: Record<OptionName, string> = {
  addresses: "--addr",
  unixSocket: "--unixsocket",
  unixMode: "--unixmode",
  adminAddress: "--adminaddr",
  tlsCert: "--tlscert",
  tlsKey: "--tlskey",
  tlsCa: "--tlsca",
  redirectAddress: "--redirect",
  workers: "--workers",
  drainWaitMs: "--drainwait",
  drainTimeMs: "--draintime",
  oneshot: "--oneshot",
  binary: "--binary",
  frame: "--frame",
  clientFrame: "--clientframe",
  serverFrame: "--serverframe",
  fromField: "--fromfield",
  toField: "--tofield",
  delimiters: "--delimiters",
  nullDelimited: "--null",
  cache: "--cache",
  cachePersist: "--cachepersist",
  compress: "--compress",
  joinMessage: "--joinmsg",
  leaveMessage: "--leavemsg",
  tcp: "--tcp",
  tcpPorts: "--tcpports",
  attachDelayMs: "--cmd-attach-delay",
  passedVariables: "--passenv",
  killGraceMs: "--killgrace",
  lingerMs: "--linger",
  restart: "--restart",
  rooms: "--rooms",
  maxRooms: "--maxrooms",
  maxClients: "--maxclients",
  maxConnections: "--maxconnections",
  prewarm: "--prewarm",
  stderr: "--stderr",
  limitMemoryBytes: "--limit-memory",
  limitCpuSeconds: "--limit-cpu",
  limitFiles: "--limit-files",
  nice: "--nice",
  allowedHosts: "--allowhost",
  origins: "--origin",
  sameOrigin: "--sameorigin",
  trustedProxies: "--trustproxy",
  maxPerAddress: "--maxperip",
  connectionRate: "--connrate",
  maxHandshakes: "--maxhandshakes",
  maxMessageBytes: "--maxmessage",
  maxLineBytes: "--maxline",
  cacheBytes: "--cachebytes",
  clientBufferBytes: "--clientbuffer",
  slow: "--slow",
  slowTimeoutMs: "--slowtimeout",
  pingIntervalMs: "--pinginterval",
  messageRate: "--msgrate",
  byteRate: "--byterate",
  burstMs: "--burst",
  rateGraceMs: "--rategrace",
  messageTimeoutMs: "--messagetimeout",
  staticDir: "--staticdir",
  metrics: "--metrics",
  stats: "--stats",
  api: "--api",
  authJwtKey: "--auth-jwt-key",
  authJwks: "--auth-jwks",
  authAudience: "--auth-audience",
  authIssuer: "--auth-issuer",
  authParam: "--auth-param",
  authUrl: "--auth-url",
  authCacheMs: "--auth-cache",
  authBasic: "--auth-basic",
  basePath: "--basepath",
  headers: "--header",
  subprotocols: "--subprotocol",
  log: "--log",
  config: "--config",
  printConfig: "--print-config",
  compat: "--compat",
  verbosity: "--verbose",
};

test("without any option there are the documented defaults", () => {
  expect(completeOptions({})).toEqual(defaults);
  expect(Object.keys(completeOptions({}))).toEqual(Object.keys(defaults));
});

test("what is given takes the place of the default, and undefined does not", () => {
  expect(completeOptions({ slow: "drop", metrics: true, killGraceMs: 0, addresses: undefined })).toEqual({
    ...defaults,
    slow: "drop",
    metrics: true,
    killGraceMs: 0,
  });
});

test("what is no option is refused, and not left out", () => {
  const given = { address: { host: "127.0.0.1", port: 0 } } as Parameters<typeof completeOptions>[0];
  expect(errorOf(() => completeOptions(given)).message).toBe('there is no option called "address"');
});

test("each option has its flag, and its variable is called after it", () => {
  expect(Object.fromEntries(optionNames.map((name) => [name, longFlag(name)]))).toEqual(flags);
  expect(variableOf("addresses")).toBe("SCALESOCKET_ADDR");
  expect(variableOf("attachDelayMs")).toBe("SCALESOCKET_CMD_ATTACH_DELAY");
});

test("other names come behind an option's own, with a variable each, and no two options share one", () => {
  expect(namingsOf("addresses")).toEqual([
    { flag: "--addr <ADDR>", longFlag: "--addr", variable: "SCALESOCKET_ADDR", key: "addr", means: undefined },
  ]);
  expect(namingsOf("attachDelayMs").map(({ longFlag: long }) => long)).toEqual(["--cmd-attach-delay", "--delay"]);
  expect(namingsOf("log")).toEqual([
    { flag: "--log <FORMAT>", longFlag: "--log", variable: "SCALESOCKET_LOG", key: "log", means: undefined },
    { flag: "--json", longFlag: "--json", variable: "SCALESOCKET_JSON", key: "json", means: "json" },
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
  ["addresses", "127.0.0.1:9000", [{ host: "127.0.0.1", port: 9000 }]],
  ["addresses", "localhost:0", [{ host: "localhost", port: 0 }]],
  ["addresses", "my-host.example:65535", [{ host: "my-host.example", port: 65_535 }]],
  ["addresses", "[::1]:80", [{ host: "::1", port: 80 }]],
  ["addresses", "[::ffff:1.2.3.4]:80", [{ host: "::ffff:1.2.3.4", port: 80 }]],
  [
    "addresses",
    "a:1,[::1]:2",
    [
      { host: "a", port: 1 },
      { host: "::1", port: 2 },
    ],
  ],
  ["adminAddress", "[::1]:80", { host: "::1", port: 80 }],
  ["unixSocket", "/run/a b.sock", "/run/a b.sock"],
  ["unixSocket", `/${"\u00e9".repeat(53)}`, `/${"\u00e9".repeat(53)}`],
  ["unixMode", "666", 0o666],
  ["unixMode", "0600", 0o600],
  ["unixMode", "000", 0],
  ["metrics", "true", true],
  ["metrics", "TRUE", true],
  ["metrics", "1", true],
  ["metrics", "false", false],
  ["metrics", "0", false],
  ["metrics", "", false],
  ["frame", "binary", "binary"],
  ["frame", "json", "json"],
  ["frame", "gwsocket", "binary"],
  ["clientFrame", "lines", "lines"],
  ["clientFrame", "gwsocket", "binary"],
  ["serverFrame", "json", "json"],
  ["serverFrame", "gwsocket", "binary"],
  ["delimiters", ";", ";"],
  ["delimiters", String.raw`\n\r\t\0\x1e\x7F\\`, "\n\r\t\0\x1e\x7f\\"],
  ["delimiters", String.raw`\\n`, "\\n"],
  ["delimiters", "\n", "\n"],
  ["delimiters", "0123456789abcdef", "0123456789abcdef"],
  ["nullDelimited", "true", true],
  ["fromField", "_from", "_from"],
  ["fromField", "a.b:c-d@$1", "a.b:c-d@$1"],
  ["toField", "_to", "_to"],
  ["toField", "x".repeat(64), "x".repeat(64)],
  ["cache", "1", { kept: "all", messages: 1 }],
  ["cache", "all:100", { kept: "all", messages: 100 }],
  ["cache", "all:999999999999999", { kept: "all", messages: 999_999_999_999_999 }],
  ["cacheBytes", "64K", 64 * kib],
  ["compat", "0.2", "0.2"],
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
  ["lingerMs", "0", 0],
  ["lingerMs", "1.5", 1500],
  ["lingerMs", "86400", 86_400_000],
  ["restart", "on-failure", "on-failure"],
  ["restart", "always", "always"],
  ["rooms", "lobby", ["lobby"]],
  ["rooms", "a, b:1,__proto__", ["a", "b:1", "__proto__"]],
  ["maxRooms", "1", 1],
  ["maxClients", "1000000", 1_000_000],
  ["maxConnections", "0042", 42],
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
  ["basePath", "/", ""],
  ["basePath", "/x", "/x"],
  ["basePath", "/a/..b/c.d/@:1/", "/a/..b/c.d/@:1"],
  ["headers", "", []],
  ["headers", "X-A: b", [{ name: "X-A", value: "b" }]],
  [
    "headers",
    "set-cookie:a=1; Path=/, x \nSet-Cookie:\n",
    [
      { name: "set-cookie", value: "a=1; Path=/, x" },
      { name: "Set-Cookie", value: "" },
    ],
  ],
  ["subprotocols", "v1.chat, v2.chat", ["v1.chat", "v2.chat"]],
  ["verbosity", "0", 0],
  ["verbosity", "2", 2],
])("%s can be written as %j", (name, text, value) => {
  const parsed = parseOption(name, text, "here");

  expect(parsed).toEqual(value);
  expect(completeOptions({ [name]: parsed })[name]).toEqual(value);
});

const expected: Partial<Record<OptionName, string>> = {
  unixSocket: "a path of 1 to 107 bytes",
  unixMode: "three octal digits, such as 660 (owner and group) or 666 (everyone)",
  redirectAddress: "HOST:PORT with a port from 0 to 65535, such as 127.0.0.1:9000 or [::1]:9000",
  addresses: "HOST:PORT with a port from 0 to 65535, such as 127.0.0.1:9000 or [::1]:9000",
  metrics: "true or false",
  frame: "one of binary, json",
  clientFrame: "one of lines, binary, json",
  delimiters:
    "1 to 16 single-byte characters; \\n, \\r, \\t, \\0, \\xNN up to \\x7F and \\\\ stand for what cannot be written",
  fromField: "1 to 64 characters out of letters, digits and _$.:@-",
  cache: "a whole number from 1, or all: or tagged: and such a number",
  cacheBytes: "bytes from 1 to 1G, with or without a unit (K, M, G)",
  compat: "one of 0.2",
  slow: "one of pause, close, drop",
  log: "one of text, json",
  stderr: "one of inherit, log, clients",
  prewarm: "a whole number from 0 to 1000",
  tcpPorts: "START:END with ports from 1 to 65535, the lower one first",
  attachDelayMs: "seconds from 0 to 3600",
  lingerMs: "seconds from 0 to 86400",
  restart: "one of never, on-failure, always",
  rooms: "names of rooms with commas between them, none of them reserved",
  maxRooms: "a whole number from 1 to 1000000",
  maxClients: "a whole number from 1 to 1000000",
  maxConnections: "a whole number from 1 to 1000000",
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
  basePath: "a path such as / or /games, whose segments are letters, digits and -._~!$&()*+,;=:@",
  headers: "Name: value in printable ASCII, with no header that answers have of their own, such as Content-Type",
  subprotocols: "names of subprotocols with commas between them",
};

test.each<[OptionName, readonly string[]]>([
  ["unixSocket", ["", "a\0b", `/${"\u00e9".repeat(54)}`, "x".repeat(108)]],
  ["unixMode", ["", "66", "0o660", "668", "1777", "01660", "rw-", "-660"]],
  ["redirectAddress", ["", "80", "a:1,b:2"]],
  [
    "addresses",
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
      "a:1,",
      "host:1.5",
    ],
  ],
  ["metrics", ["yes", "no", "2", " true", "truE1", "on"]],
  ["frame", ["", "Binary", "xml", "binary,json", "__proto__", "constructor"]],
  ["clientFrame", ["", "raw", "xml", "LINES"]],
  [
    "delimiters",
    [
      "",
      "\u00e9",
      "\u{1f600}",
      "\\",
      "a\\",
      String.raw`\q`,
      String.raw`\x1`,
      String.raw`\xgg`,
      String.raw`\x80`,
      "x".repeat(17),
    ],
  ],
  ["fromField", ["", "a b", '"', "a\\b", "a/b", "\u00e9", "a\n", "x".repeat(65)]],
  [
    "cache",
    [
      "",
      "0",
      "-1",
      "1.5",
      "all:",
      "all:0",
      "tagged:",
      "some:1",
      "tagged:all:1",
      "1:all",
      "1K",
      " 1",
      "1234567890123456",
    ],
  ],
  ["cacheBytes", ["0", "-1", "2G", "all"]],
  ["compat", ["", "0.1", "0.20", "2", "__proto__"]],
  ["slow", ["", "wait", "toString"]],
  ["log", ["", "JSON", "true", "xml"]],
  ["stderr", ["", "none", "log,clients", "Clients"]],
  ["prewarm", ["", "-1", "1001", "1.5", "two"]],
  ["tcpPorts", ["", "9001", "9001:", ":9999", "0:10", "10:9", "1:65536", "a:b", "1:2:3", "-1:5", "1-5", " 1:2"]],
  ["attachDelayMs", ["", "-1", "3600.1", "3601", "1e3", "1s", ".5", "1.", "NaN", "Infinity", "0x10", " 1", "1,5"]],
  ["lingerMs", ["", "-1", "86400.1", "5s", "never"]],
  ["restart", ["", "true", "on_failure", "Always", "no", "constructor"]],
  ["rooms", ["", ",", "a,", "a,,b", "a b", "a/b", "..", "api", "é", "x".repeat(129)]],
  ["maxRooms", ["", "0", "-1", "1.5", "1000001", "1e3", "many", " 1"]],
  ["maxClients", ["", "0", "+1"]],
  ["maxConnections", ["", "0", "0x10"]],
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
  ["verbosity", ["", "-1", "3", "1.5", "v", "true"]],
  ["basePath", ["", "x", "//", "/x//", "//x", "/.", "/..", "/a/../b", "/a b", "/%20", "/é", `/${"x".repeat(256)}`]],
  [
    "headers",
    ["X", ":b", "X A: b", "X-A : b", "X-A: é", "X-A: \0", "X-A: a\rX-B: c", "Connection: close", "upgrade: h2c"],
  ],
  ["headers", ["Content-Length: 1", "Transfer-Encoding: chunked", "Sec-WebSocket-Accept: x", "SEC-WEBSOCKET-A: x"]],
  ["subprotocols", ["", ",", "a,", "a b", "a/b", "é"]],
])("%s cannot be written in any other way, and the message says how it can", (name, texts) => {
  for (const text of texts) {
    const error = errorOf(() => parseOption(name, text, "SOURCE"));
    expect(error.message).toBe(`SOURCE: expected ${expected[name]}, got ${JSON.stringify(text)}`);
    expect(error.code).toBe("ERR_USAGE");
  }
});

test("of a list, the item that is no good is told", () => {
  expect(errorOf(() => parseOption("rooms", "a, metrics,b c", "SOURCE")).message).toBe(
    `SOURCE: expected ${expected.rooms}, got "metrics"`,
  );
});

test.each<[OptionName, unknown, string]>([
  ["slowTimeoutMs", 5, "milliseconds from 100 to 3600000"],
  ["maxMessageBytes", "64K", "a whole number of bytes from 1 to 536870912"],
  ["addresses", [{ host: "x" }], "a list of { host, port } with a host that is not empty and a port from 0 to 65535"],
  ["adminAddress", { host: "", port: 0 }, "{ host, port } with a host that is not empty and a port from 0 to 65535"],
  ["redirectAddress", "127.0.0.1:80", "{ host, port } with a host that is not empty and a port from 0 to 65535"],
  ["tcpPorts", "1:2", "{ start, end } with ports from 1 to 65535, the lower one first"],
  ["passedVariables", "PATH", "a list of names of variables"],
  ["rooms", "a,b", "a list of names of rooms, none of them reserved"],
  ["subprotocols", "a", "a list of names of subprotocols"],
  ["headers", "A: b", "a list of { name, value } in printable ASCII"],
  ["basePath", "/", "a path such as /games without a slash at its end, or an empty text for /"],
])("a wrong %s that did not come as text is told how it can be", (name, value, text) => {
  const error = errorOf(() => completeOptions({ [name]: value }));
  expect(error.message).toContain(`${name}: expected ${text}`);
});

const circular: { itself?: unknown } = {};
circular.itself = circular;

const hostile = {
  get toJSON(): never {
    throw new Error("boom");
  },
};

test.each<[unknown, string]>([
  [[{ host: "x" }], '[{"host":"x"}]'],
  [[{ host: "x", port: 1n }], "an object"],
  [1n, "a bigint"],
  [circular, "an object"],
  [hostile, "an object"],
  [Symbol("x"), "a symbol"],
  [(): number => 1, "a function"],
  [Number.NaN, "NaN"],
  [undefined, "undefined"],
  [null, "null"],
  [Object.create(null), "{}"],
  [new Error("x"), "{}"],
  ["x".repeat(2000), `"${"x".repeat(999)}...`],
])("a value of another kind is written as what it is: %#", (value, text) => {
  const error = unexpected("here", "text", value);
  expect(error.message).toBe(`here: expected text, got ${text}`);
});

const integers = integer({ flag: "--number <NUM>", group: "http", help: "", min: 0, max: 9 });

test("a list whose values hold commas has them on lines of their own", () => {
  const lines = list(integers, { separator: "\n", min: 1, expected: "numbers" });

  expect(lines.parse("1\n 2\r\n\n3\n")).toEqual([1, 2, 3]);
  expect(lines.parse("1,2")).toBe(undefined);
  expect(lines.parse("1\nx")).toBe(undefined);
});

test("a list that may be empty is so without a default, and one that may not be has none", () => {
  const maybeEmpty = list(integers, { separator: ",", min: 0, expected: "numbers" });
  const never = list(integers, { separator: ",", min: 1, expected: "numbers" });

  expect([maybeEmpty.defaultText, maybeEmpty.parse(" "), maybeEmpty.check([])]).toEqual(["", [], true]);
  expect([never.defaultText, never.parse(" "), never.check([])]).toEqual([undefined, undefined, false]);
  expect(list({ ...integers, defaultText: "5" }, { separator: ",", min: 1, expected: "" }).defaultText).toBe("5");
});

test.each<[OptionName, readonly unknown[]]>([
  [
    "redirectAddress",
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
  ["addresses", [[], { host: "a", port: 1 }, [{ host: "a" }], [{ host: "a", port: 1 }, "b:1"]]],
  ["unixSocket", ["", 1, "x".repeat(108)]],
  ["unixMode", ["660", -1, 0o1000, 1.5]],
  ["metrics", ["true", 1, {}]],
  ["frame", ["xml", "gwsocket", true, {}]],
  ["serverFrame", ["gwsocket", "raw", 1]],
  ["delimiters", ["", "\u00e9", 10, ["\n"], "x".repeat(17)]],
  ["toField", ["", "\n", 1, ["id"]]],
  [
    "cache",
    [
      1,
      "1",
      {},
      { kept: "all" },
      { kept: "some", messages: 1 },
      { kept: "all", messages: 0 },
      { kept: "all", messages: 1.5 },
    ],
  ],
  ["joinMessage", [1, true, {}]],
  [
    "tcpPorts",
    ["1:2", {}, { start: 2, end: 1 }, { start: 0, end: 1 }, { start: 1.5, end: 2 }, { start: "1", end: "2" }],
  ],
  ["attachDelayMs", [-1, 3_600_001, Number.NaN, Infinity, "1000"]],
  ["slowTimeoutMs", [99]],
  ["lingerMs", [-1, 86_400_001, "5"]],
  ["restart", [true, "sometimes"]],
  ["rooms", ["a", [], ["a", "b c"], ["api"], [1], {}]],
  ["maxRooms", [0, 1.5, "1", Infinity]],
  ["maxClients", [0, Number.NaN]],
  ["maxConnections", [-1, 1_000_001]],
  ["passedVariables", ["PATH", ["1A"], [1], {}, [undefined]]],
  ["maxMessageBytes", [0, 1.5, 512 * mib + 1, Number.NaN, "1M"]],
  ["limitMemoryBytes", [1, 1.5 * mib + 0.5, "1M"]],
  ["limitCpuSeconds", [0, 0.5, Number.NaN, "1"]],
  ["nice", [-21, 20, 0.5, "1"]],
  ["verbosity", [-1, 3, 0.5, "1"]],
  ["basePath", ["/", "/x/", "x", 1, "/a/../b"]],
  ["headers", ["X-A: b", ["X-A: b"], [{ name: "X-A" }], [{ name: "X-A", value: "a\r\nX-B: c" }], [null]]],
  ["subprotocols", ["a", [], ["a b"], [1]]],
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
  [{ frame: "json", clientFrame: "lines" }, ["--frame=json", "--clientframe=lines"]],
  [{ frame: "binary", serverFrame: "json" }, ["--frame=binary", "--serverframe=json"]],
  [{ binary: true, clientFrame: "json" }, ["--binary", "--clientframe=json"]],
  [{ binary: true, serverFrame: "lines" }, ["--binary", "--serverframe=lines"]],
  [{ nullDelimited: true, delimiters: "\n" }, ["--null", String.raw`--delimiters="\n"`]],
  [{ binary: true, nullDelimited: true }, ["--null", "--binary"]],
  [{ binary: true, delimiters: ";" }, ['--delimiters=";"', "--binary"]],
  [{ frame: "binary", delimiters: ";" }, ['--delimiters=";"', "--frame=binary"]],
  [{ clientFrame: "binary", serverFrame: "binary", nullDelimited: true }, ["--null", "--frame=binary"]],
  [{ frame: "json", delimiters: "\n;" }, [String.raw`--delimiters="\n;"`, "JSON framing"]],
  [{ serverFrame: "json", delimiters: " " }, ['--delimiters=" "', "JSON framing"]],
  [{ fromField: "_close" }, ["--fromfield=_close"]],
  [{ toField: "_meta" }, ["--tofield=_meta"]],
  [{ fromField: "_to" }, ["--fromfield=_to", "--tofield=id"]],
  [{ tlsCert: "c" }, ["--tlscert=c", "--tlskey"]],
  [{ tlsKey: "k" }, ["--tlskey=k", "--tlscert"]],
  [{ tlsCa: "a" }, ["--tlsca=a", "--tlscert"]],
  [{ redirectAddress: { host: "::1", port: 80 } }, ["--redirect=[::1]:80", "--tlscert"]],
  [{ tlsCert: "c", tlsKey: "k", workers: 2 }, ["--workers=2", "--tlscert=c"]],
  [{ cachePersist: true }, ["--cachepersist", "--cache=SIZE"]],
  [{ cache: { kept: "tagged", messages: 5 } }, ["--cache=tagged:5", "--frame=json"]],
  [{ cache: { kept: "tagged", messages: 5 }, clientFrame: "json" }, ["--cache=tagged:5", "--serverframe=json"]],
] as const)("%j cannot be had together, and the message names all of it", (given, named) => {
  const error = errorOf(() => completeOptions(given));
  for (const each of named) expect(error.message).toContain(each);
  expect(error.code).toBe("ERR_USAGE");
});

test.each([
  { frame: "json", clientFrame: "json", serverFrame: "json" },
  { clientFrame: "json", serverFrame: "lines" },
  { clientFrame: "binary", delimiters: ";" },
  { frame: "json", nullDelimited: true },
  { frame: "json", delimiters: "\t\u001e" },
  { tlsCert: "c", tlsKey: "k", workers: 0 },
  { tlsCert: "c", tlsKey: "k", tlsCa: "a", redirectAddress: { host: "::1", port: 80 }, workers: "auto" },
  { fromField: "_to", toField: "_to" },
  { fromField: "_from", toField: "_to" },
  { serverFrame: "json", cache: { kept: "tagged", messages: 5 }, cachePersist: true },
  { binary: true, cache: { kept: "all", messages: 5 } },
] as const)("%j can be had together", (given) => {
  expect(completeOptions(given)).toMatchObject(given);
});

test("who serves one client in all cannot wait for it to come back", () => {
  const error = errorOf(() => completeOptions({ oneshot: true, lingerMs: 1500 }));
  expect(error.message).toContain("--oneshot");
  expect(error.message).toContain("--linger=1.5");
  expect(error.code).toBe("ERR_USAGE");
  expect(completeOptions({ oneshot: true, lingerMs: 0 }).oneshot).toBe(true);
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

test("compression takes messages of up to 16M", () => {
  expect(completeOptions({ compress: true, maxMessageBytes: 16 * mib }).compress).toBe(true);
  expect(completeOptions({ maxMessageBytes: 16 * mib + 1 }).compress).toBe(false);
  const error = errorOf(() => completeOptions({ compress: true, maxMessageBytes: 16 * mib + 1 }));
  expect(error.code).toBe("ERR_USAGE");
  expect(error.message).toContain(
    "--compress takes messages of up to 16M, so --maxmessage cannot be more than that, got ",
  );
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

const commandExpected = "command: expected the command to wrap as text without NUL; its arguments stand in args";
const socketsExpected = 'sockets: expected a list such as [{ descriptor: 3, name: "rooms", unixPath: undefined }]';
const argsExpected = 'args: expected a list of texts without NUL, such as ["--level", "3"]';

test.each([
  [undefined, `${commandExpected}, got undefined`],
  [{}, `${commandExpected}, got undefined`],
  [{ command: "" }, `${commandExpected}, got ""`],
  [{ command: 5 }, `${commandExpected}, got 5`],
  [{ command: "ca\0t" }, `${commandExpected}, got "ca\\u0000t"`],
  [{ command: "echo", args: "xyz" }, `${argsExpected}, got "xyz"`],
  [{ command: "echo", args: [null] }, `${argsExpected}, got null`],
  [{ command: "echo", args: ["a", "b\0"] }, `${argsExpected}, got "b\\u0000"`],
  [
    { command: "echo", environment: null },
    `environment: expected an object of texts, such as { PATH: "/usr/bin" }, got null`,
  ],
  [{ command: "echo", environment: { A: "b", C: 5 } }, "environment.C: expected text without NUL"],
  [{ command: "echo", sockets: "3" }, `${socketsExpected}, got "3"`],
  [{ command: "echo", sockets: [null] }, `${socketsExpected}, got null`],
  [
    { command: "echo", sockets: [{ descriptor: -1, name: "x" }] },
    `${socketsExpected}, got {"descriptor":-1,"name":"x"}`,
  ],
  [{ command: "echo", sockets: [{ descriptor: 3 }] }, `${socketsExpected}, got {"descriptor":3}`],
  [
    { command: "echo", sockets: [{ descriptor: 3, name: "x", unixPath: 1 }] },
    `${socketsExpected}, got {"descriptor":3,"name":"x","unixPath":1}`,
  ],
])("the library refuses to wrap %j", (options, message) => {
  const create = (): unknown => createServer(options as unknown as ServerOptions);
  expect(create).toThrow(new ServerError("ERR_USAGE", message));
});

const loggerExpected = "logger: expected an object with the functions error, warn, info, debug, trace";

test.each([
  [null, "null"],
  ["json", '"json"'],
  [
    { error: console.error, warn: console.warn, info: console.info, debug: console.debug, trace: true },
    '{"trace":true}',
  ],
])("the library refuses to log to %j", (logger, described) => {
  const create = (): unknown => createServer({ command: "cat" }, logger as unknown as Logger);
  expect(create).toThrow(new ServerError("ERR_USAGE", `${loggerExpected}, got ${described}`));
  expect(createServer({ command: "cat" }, { ...console, isDebugging: false, isTracing: false }).isStopping).toBe(false);
});

test("the library takes variables from any object of texts, whatever a program says of its own environment", () => {
  type Environment = NonNullable<ServerOptions["environment"]>;
  expectTypeOf<Environment>().toEqualTypeOf<Readonly<Record<string, string | undefined>>>();
  expectTypeOf(process.env).toExtend<Environment>();
});
