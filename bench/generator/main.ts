import { Dialer } from "../client/dialer.ts";
import { echo } from "./echo.ts";
import { fanOut, paced } from "./fan-out.ts";
import { idle } from "./idle.ts";
import { ingest } from "./ingest.ts";
import type { Assignment, Figures, Outcome } from "./jobs.ts";
import { privateMessages } from "./private.ts";
import { rooms } from "./rooms.ts";
import { warmUp } from "./warm-up.ts";

const assignment = JSON.parse(process.argv[2] ?? "") as Assignment;
process.stdout.write(`${JSON.stringify(await outcomeOf(assignment))}\n`, () => process.exit());

async function outcomeOf({ job, host, port, serverPid }: Assignment): Promise<Outcome> {
  try {
    await warmUp();
    return { figures: await run({ job, host, port, serverPid }) };
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

async function run({ job, host, port, serverPid }: Assignment): Promise<Figures> {
  const dialer = new Dialer(host, port);
  switch (job.kind) {
    case "fan-out":
      return fanOut(job, dialer);
    case "paced":
      return paced(job, dialer);
    case "ingest":
      return ingest(job, dialer);
    case "echo":
      return echo(job, dialer);
    case "private":
      return privateMessages(job, dialer);
    case "rooms":
      return rooms(job, dialer);
    case "idle":
      return idle(job, dialer, serverPid);
  }
}
