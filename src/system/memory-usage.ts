import { getHeapStatistics } from "node:v8";

/**
 * What this process takes, in bytes. Linux tells it in a file: where no descriptor is left to read that, `rss` is the most that
 * there has been, and buffers that are collected count until the next collection.
 */
export function memoryUsage(): Omit<NodeJS.MemoryUsage, "external"> {
  try {
    return process.memoryUsage();
  } catch {
    const { total_heap_size: heapTotal, used_heap_size: heapUsed, external_memory: arrayBuffers } = getHeapStatistics();
    return { rss: process.resourceUsage().maxRSS * 1024, heapTotal, heapUsed, arrayBuffers };
  }
}
