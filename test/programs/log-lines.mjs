// Logs as many long lines at once as each line of its input says, and answers how many bytes of its heap are in use then.
import { createInterface } from "node:readline";
import { setImmediate as nextTurn } from "node:timers/promises";
import { createLogger } from "../../dist/cli/log.js";

const [, , log = "text"] = process.argv;
const logger = await createLogger({ log, verbosity: 0 }, {});
const text = "x".repeat(1000);

for await (const line of createInterface({ input: process.stdin })) {
  for (let number = 1; number <= Number(line); number += 1) logger.info(`${number} ${text}`);
  await nextTurn();
  globalThis.gc();
  console.log(process.memoryUsage().heapUsed);
}
