import { expect, test, vi } from "vitest";
import { memoryUsage } from "../../../src/system/memory-usage.ts";

test("memory is told also where the system refuses to open a file for that", () => {
  const usual = memoryUsage();
  using asked = vi.spyOn(process, "memoryUsage").mockImplementation(() => {
    throw new Error("EMFILE: too many open files, uv_resident_set_memory");
  });
  const { rss, heapTotal, heapUsed, arrayBuffers } = memoryUsage();
  expect(asked).toHaveBeenCalled();
  expect(rss).toBeGreaterThanOrEqual(usual.rss);
  expect(heapUsed).toBeGreaterThan(0);
  expect(heapTotal).toBeGreaterThanOrEqual(heapUsed);
  expect(arrayBuffers).toBeGreaterThan(0);
});
