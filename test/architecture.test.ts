import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/** Files that anyone may import, and that import only each other. */
const leaves = [
  "links",
  "answer-headers",
  "errors",
  "error-log",
  "exit-text",
  "close-codes",
  "drop-reasons",
  "logger",
  "line-budget",
  "join-request",
  "room-name",
  "http-token",
  "web-origin",
  "reloadable",
  "request-head",
  "stall-watch",
  "version",
  "frame-modes",
  "json-fields",
  "token-protocol",
];

/** Who may import whom: each folder, and each file at the top, imports itself, the leaves, system and these. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  leaves: [],
  system: [],
  options: [],
  framing: [],
  room: ["framing"],
  process: [],
  websocket: ["framing"],
  host: ["framing", "room", "process", "websocket", "options"],
  workers: ["host", "room", "process", "websocket"],
  metrics: ["host", "room"],
  access: ["options"],
  listening: ["options"],
  systemd: ["listening"],
  http: ["access", "listening", "host", "workers", "room", "websocket", "metrics", "options"],
  index: ["http", "listening"],
  cli: ["index", "systemd", "options"],
};

/** Where each package is at home (several where it is a part of Node), and such parts of Node as not everyone should use, or nobody. Types may go anywhere. */
const homes: Readonly<Record<string, string | readonly string[]>> = {
  "scalesocket/package.json": "leaves",
  koffi: "system",
  "p-limit": ["process", "access"],
  jose: "access",
  "hash-wasm": "access",
  "node:child_process": ["process", "workers"],
  "node:worker_threads": "access",
  ws: "websocket",
  "proxy-addr": "access",
  "prom-client": "metrics",
  commander: "cli",
  pino: "cli",
  "smol-toml": "cli",
  "sonic-boom": "cli",
  "node:process": [],
  "node:v8": ["cli", "system"],
  "node:http": ["http", "listening", "host"],
  "node:https": "listening",
  "node:tls": "listening",
  send: "http",
};

/** Where worker processes begin, as the server does in cli/: they get what this process got, as children of Node do. */
const workerEntries = new Set(["workers/start-worker.ts", "workers/worker-main.ts"]);

/** What is there once for the whole process, so that only cli/ should touch it. */
const ambient =
  /(?<![\w.#])(?:console|(?<=\} = )process(?=;)|process\.(?:env|argv|on|once|off|emit|exit|exitCode|abort|cwd|chdir|std(?:in|out|err)|platform))\b/g;

/** In process/, where `process` is never but the global one, no more than this is taken from it. */
const ambientInProcess = /(?<![\w.#])(?:console\b|process\.(?!kill\b|(?:on|off)\("SIGCHLD",)\w+)/g;

const maxLines = 280;

interface Import {
  /** As it is written. */
  readonly name: string;
  readonly isType: boolean;
}

interface SourceFile {
  /** Relative to src/. */
  readonly path: string;
  readonly part: string;
  readonly lines: number;
  /** Without comments that have lines of their own. */
  readonly code: string;
  readonly imports: readonly Import[];
}

const root = fileURLToPath(new URL("../src", import.meta.url));
const files = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map(readSource);

function isHome(part: string, name: string): boolean {
  const home = homes[name] ?? [];
  return typeof home === "string" ? home === part : home.includes(part);
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(root, path), "utf8");
  const code = withoutComments(text);
  return { path, part: partOf(path), lines: text.trimEnd().split("\n").length, code, imports: importsOf(code) };
}

function withoutComments(text: string): string {
  return text.replaceAll(/^\s*(?:\/\/|\/\*|\*).*$/gm, "");
}

function partOf(path: string): string {
  const [first = ""] = path.split("/");
  const name = first.replace(/\.ts$/, "");
  return leaves.includes(name) ? "leaves" : name;
}

/** Static and dynamic imports, exports from elsewhere, and what is required where `import` cannot be used. */
function importsOf(code: string): Import[] {
  const statements = code.matchAll(/^(?:import|export)\s+(type\s+)?(?:[^"'`;]*?\sfrom\s+)?"([^"]+)"/gm);
  const calls = code.matchAll(/(typeof )?(?:\bimport|\brequire|createRequire\(import\.meta\.url\))\(\s*"([^"]+)"/g);
  return [...statements, ...calls].map(([, type, name = ""]) => ({ name, isType: type !== undefined }));
}

/** The files of src/ that a file imports, relative to src/. */
function importedFiles({ path, imports }: SourceFile): string[] {
  const inside = imports.filter(({ name }) => name.startsWith(".") && name.endsWith(".ts"));
  return inside.map(({ name }) => relative(root, join(root, dirname(path), name)));
}

/** A way along imports from a file back to itself, if there is one. */
function circleFrom(start: string): string[] | undefined {
  const seen = new Set<string>();
  const walk = (path: string, way: readonly string[]): string[] | undefined => {
    for (const next of importedFiles(files.find((file) => file.path === path) as SourceFile)) {
      if (next === start) return [...way, next];
      if (seen.has(next)) continue;
      seen.add(next);
      const found = walk(next, [...way, next]);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return walk(start, [start]);
}

test("imports of every kind are seen", () => {
  const code = withoutComments(`
import { a } from "./a.ts";
import {
  type B,
  b,
} from "node:b";
import type { C } from "c";
import type * as D from "d";
import "./e.ts";
export * from "./f.ts";
export type { G } from "./g.ts";
// import { no } from "./no.ts";
/** import { no } from "./no.ts"; */
const h = await import("./h.ts");
const i = createRequire(import.meta.url)("i") as typeof import("j");
`);
  const seen = importsOf(code).map(({ name, isType }) => (isType ? `type ${name}` : name));
  expect(seen.join(", ")).toBe("./a.ts, node:b, type c, type d, ./e.ts, ./f.ts, type ./g.ts, ./h.ts, i, type j");
});

test("every part of the source has its arrows, and every arrow its part", () => {
  const parts = new Set(files.map(({ part }) => part));
  expect([...parts].toSorted()).toEqual(Object.keys(arrows).toSorted());
  const leafFiles = files.filter(({ part }) => part === "leaves").map(({ path }) => path);
  expect(leaves.map((leaf) => `${leaf}.ts`).toSorted()).toEqual(leafFiles.toSorted());
});

test("every arrow has an import that follows it", () => {
  const followed = new Set(
    files.flatMap((file) => importedFiles(file).map((path) => `${file.part} -> ${partOf(path)}`)),
  );
  const all = Object.entries(arrows).flatMap(([part, allowed]) => allowed.map((other) => `${part} -> ${other}`));
  expect(all.filter((arrow) => !followed.has(arrow))).toEqual([]);
});

test("every import follows the arrows", () => {
  const known = new Set(files.map(({ path }) => path));
  const wrong = files.flatMap((file) => {
    const allowed = new Set([file.part, "leaves", "system", ...(arrows[file.part] ?? [])]);
    const targets = importedFiles(file);
    return targets
      .filter((target) => !known.has(target) || !allowed.has(partOf(target)))
      .map((target) => `${file.path} -> ${target}`);
  });
  expect(wrong).toEqual([]);
  // Were imports not found, there would be nothing wrong either.
  expect(files.flatMap(importedFiles).length).toBeGreaterThan(files.length);
});

test("every package has one home, and nothing else imports it", () => {
  const wrong = files.flatMap(({ path, part, imports }) =>
    imports
      .filter(({ name, isType }) => !isType && !name.startsWith("."))
      .filter(({ name }) => (name in homes || !name.startsWith("node:") ? !isHome(part, name) : false))
      .map(({ name }) => `${path} -> ${name}`),
  );
  expect(wrong).toEqual([]);
});

test("every package is used at all its homes", () => {
  const used = new Set(
    files.flatMap(({ part, imports }) =>
      imports.filter(({ isType }) => !isType).map(({ name }) => `${name} in ${part}`),
    ),
  );
  const all = Object.entries(homes).flatMap(([name, home]) => [home].flat().map((part) => `${name} in ${part}`));
  expect(all.filter((place) => !used.has(place))).toEqual([]);
});

test("only cli touches what is ambient, and process no more of it than children need", () => {
  const wrong = files.flatMap(({ path, part, code }) => {
    if (part === "cli" || workerEntries.has(path)) return [];
    const found = code.match(part === "process" ? ambientInProcess : ambient) ?? [];
    return found.map((what) => `${path}: ${what}`);
  });
  expect(wrong).toEqual([]);
});

test("docs/architecture.md names all that is directly in src/", () => {
  const words = new Set(readFileSync(join(root, "../docs/architecture.md"), "utf8").split(/[\s:]+/));
  const entries = readdirSync(root, { withFileTypes: true });
  const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
  expect(names.filter((name) => !words.has(name))).toEqual([]);
});

test("no imports run in a circle", () => {
  const circles = files.map(({ path }) => circleFrom(path)).filter((circle) => circle !== undefined);
  expect(circles.map((circle) => circle.join(" -> "))).toEqual([]);
});

test(`no source file is longer than ${maxLines} lines`, () => {
  const long = files.filter(({ lines }) => lines > maxLines);
  expect(long.map(({ path, lines }) => `${path}: ${lines}`)).toEqual([]);
});
