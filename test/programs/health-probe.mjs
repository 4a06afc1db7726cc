// Asks servers, each given as `port:pid`, for /health, one after the other, until its stdin ends, and writes a line of JSON for
// each answer: of whom, what it was, and how many milliseconds it took without those in which the server and this process could
// have gone on, but others had the cores. In a process of its own, since who attacks is too busy to measure.
import { readFileSync } from "node:fs";
import { get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const pauseMs = 10;
const timeoutMs = 5000;
const servers = process.argv.slice(2).map((word) => word.split(":"));
process.stdin.resume();

/** How long the main thread of a process has waited for a core so far (proc(5)); 0 where the system does not say. */
function waitedMs(pid) {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "latin1").split(" ")[1]) / 1e6;
  } catch {
    return 0;
  }
}

async function ask(port, pid) {
  const now = () => performance.now() - waitedMs(pid) - waitedMs(process.pid);
  const startMs = now();
  const body = await new Promise((resolve) => {
    const request = get({ host: "127.0.0.1", port, path: "/health", agent: false, timeout: timeoutMs }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece) => (text += piece));
      response.on("close", () => resolve(text));
    });
    request.on("error", (error) => resolve(String(error)));
    request.on("timeout", () => request.destroy(new Error("no answer")));
  });
  console.log(JSON.stringify({ port: Number(port), ms: Math.max(now() - startMs, 0), body }));
}

while (!process.stdin.readableEnded) {
  for (const [port, pid] of servers) await ask(port, pid);
  await sleep(pauseMs);
}
