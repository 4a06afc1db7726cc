import { execFile } from "node:child_process";
import { readdir, symlink, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parseAllDocuments } from "yaml";
import { shipped } from "../helpers/shipped.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

const modules = fileURLToPath(new URL("../../node_modules", import.meta.url));
const folder = "deploy/kubernetes";

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

/** What is in deploy/kubernetes, as `kubectl apply` reads it. */
export async function readManifests(): Promise<Manifest[]> {
  const names = await readdir(new URL(`../../${folder}`, import.meta.url));
  const texts = await Promise.all(names.map((name) => shipped(`${folder}/${name}`)));
  return texts.flatMap((text) =>
    parseAllDocuments(text, { strict: true }).map((document) => document.toJS() as Manifest),
  );
}

/**
 * What is wrong with manifests, as the compiler says it: it reads them as values of the types that are made from Kubernetes'
 * schema. Unlike most validators of that schema, it knows a field that does not exist.
 */
export async function faultsIn(manifests: readonly Manifest[]): Promise<string> {
  await using temporary = await tempFolder();
  const lines = manifests.map(
    (manifest, number) => `const _${number}: ${typeOf(manifest)} = ${JSON.stringify(manifest)};`,
  );
  await writeFile(temporary.at("manifests.mts"), `${lines.join("\n")}\nexport {};\n`);
  await symlink(modules, temporary.at("node_modules"));
  const options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--types", ""];
  try {
    await promisify(execFile)(`${modules}/.bin/tsc`, [...options, "manifests.mts"], { cwd: temporary.path });
    return "";
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

/** `apps/v1` is in the file apps/v1, `networking.k8s.io/v1` in networking/v1, and `v1` in core/v1. */
function typeOf({ apiVersion, kind }: Manifest): string {
  const [version = "", group = "core"] = apiVersion.split("/").toReversed();
  return `import("kubernetes-types/${group.replace(/\..*/, "")}/${version}.js").${kind}`;
}
