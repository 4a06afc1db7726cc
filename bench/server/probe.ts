// Loaded into a server with --import. Answers what only the server's own process knows, when it is asked.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** How often the event loop is looked at; a stall is what it was late by. */
const resolutionMs = 1;

const delays = monitorEventLoopDelay({ resolution: resolutionMs });
const answers: Readonly<Record<string, () => unknown>> = { watch, longestStall, memory };

// The channel of a worker is there for other things.
if (!process.argv[1]?.endsWith("worker-main.js")) {
  process.on("message", (question) => {
    const answer = answers[String(question)];
    if (answer !== undefined) process.send?.({ answer: answer() });
  });
  // Whoever asks must not keep the server from its end.
  process.channel?.unref();
}

/** Forgets all stalls so far. */
function watch(): true {
  delays.enable();
  delays.reset();
  return true;
}

/** The longest stall of the event loop since `watch`, in milliseconds. */
function longestStall(): number {
  delays.disable();
  return Math.max(0, delays.max / 1e6 - resolutionMs);
}

/** What is in use once all garbage is gone, in bytes. */
function memory(): NodeJS.MemoryUsage {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  collectGarbage();
  return process.memoryUsage();
}
