import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder that is gone when the scope ends. */
export interface TempFolder extends AsyncDisposable {
  readonly path: string;
  /** The path of something in it. */
  at(name: string): string;
}

export async function tempFolder(): Promise<TempFolder> {
  const path = await realpath(await mkdtemp(join(tmpdir(), "scalesocket-test-")));
  return {
    path,
    at: (name) => join(path, name),
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true });
    },
  };
}
