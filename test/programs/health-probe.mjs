// Asks the servers at these ports for /health, one after the other, until its stdin ends. Then it prints how long the answers
// have taken, in milliseconds, by port. In a process of its own, since who attacks is too busy to measure.
import { get } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

const pauseMs = 10;
const timeoutMs = 5000;
const ports = process.argv.slice(2);
const times = Object.fromEntries(ports.map((port) => [port, []]));
process.stdin.resume();

async function ask(port) {
  const startMs = performance.now();
  const body = await new Promise((resolve) => {
    const request = get({ host: "127.0.0.1", port, path: "/health", agent: false, timeout: timeoutMs }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece) => (text += piece));
      response.on("close", () => resolve(text));
    });
    request.on("error", (error) => resolve(String(error)));
    request.on("timeout", () => request.destroy(new Error("no answer")));
  });
  times[port].push({ ms: performance.now() - startMs, body });
}

while (!process.stdin.readableEnded) {
  for (const port of ports) await ask(port);
  await sleep(pauseMs);
}
console.log(JSON.stringify(times));
