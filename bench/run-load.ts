import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import type { Assignment, Figures, Job, Outcome } from "./generator/jobs.ts";
import type { Load } from "./loads.ts";
import type { Children } from "./server/children.ts";
import { RunningServer } from "./server/running-server.ts";
import { inOneProcess, ourTarget, type Target } from "./server/target.ts";

const generator = fileURLToPath(new URL("generator/main.js", import.meta.url));
const generatorTimeoutMs = 120_000;
/** What a server still does behind its start should not be measured as its work. */
const settleMs = 200;

/** Runs one load once against a server of its own. @throws where anything is missing or wrong. */
export async function runLoad(load: Load, target: Target, children: Children): Promise<Figures> {
  const hasProbe = load.watchesStalls === true;
  // Stalls are seen in the process that was started, so rooms have to be there.
  const watchedTarget = hasProbe && target === ourTarget ? inOneProcess(target) : target;
  const server = await RunningServer.start(watchedTarget, load, children, { hasProbe });
  try {
    if (load.job.kind === "startup") return { startup: server.startMs };
    await sleep(settleMs);
    return hasProbe ? await watched(server, load.job, children) : await generate(server, load.job, children);
  } finally {
    await server.stop();
  }
}

async function watched(server: RunningServer, job: Job, children: Children): Promise<Figures> {
  await server.ask("watch");
  const figures = await generate(server, job, children);
  return { ...figures, stall: Number(await server.ask("longestStall")) };
}

async function generate(server: RunningServer, job: Job, children: Children): Promise<Figures> {
  const assignment: Assignment = { job, host: server.host, port: server.port, serverPid: server.pid };
  const child = children.spawn(process.execPath, [generator, JSON.stringify(assignment)], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: generatorTimeoutMs,
  });
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  await once(child, "close");
  if (output === "") throw new Error(`the generator ended (${child.signalCode ?? child.exitCode}) without a result`);
  const outcome = JSON.parse(output) as Outcome;
  if ("problem" in outcome) throw new Error(outcome.problem);
  return outcome.figures;
}
