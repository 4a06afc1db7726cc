import { existsSync, readFileSync } from "node:fs";
import { expect } from "vitest";
import { until } from "./until.ts";

/** Waits until a file has as many bytes as these, and expects it to hold them: `tee` writes it behind its output. */
export async function expectWritten(path: string, content: string | Buffer): Promise<void> {
  const expected = Buffer.from(content);
  await until(
    () => read(path).length >= expected.length,
    () => `${expected.length} bytes in ${path}, got ${read(path).length}`,
  );
  if (typeof content === "string") expect(read(path).toString()).toBe(content);
  else expect(read(path)).toEqual(content);
}

function read(path: string): Buffer {
  return existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
}
