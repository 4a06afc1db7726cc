import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import type { SoakOptions } from "../cli/soak-options.ts";
import { eventually } from "../observed/eventually.ts";
import { type Holdings, ObservedServer } from "../observed/observed-server.ts";
import { Random } from "../observed/random.ts";
import type { Violations } from "../observed/violations.ts";
import type { Children } from "../server/children.ts";
import { residentBytes } from "../server/proc.ts";
import { RunningServer } from "../server/running-server.ts";
import { ourTarget } from "../server/target.ts";
import { actions } from "./actions.ts";
import { formatHoldings, formatProgress } from "./format.ts";
import { checkRest, checkService } from "./invariants.ts";
import { serverWords } from "./limits.ts";
import { Mix } from "./mix.ts";
import { roomKinds } from "./room-kinds.ts";

const tickMs = 50;
const reportMs = 10_000;
const warmUpMs = 1000;
const settleLimitMs = 30_000;
const leaveLimitMs = 15_000;
/** Limits on what may wait make 50 clients and 17 rooms take far less than this. */
const maxResidentGrowth = 200 * 1024 * 1024;
const program = fileURLToPath(new URL("../../programs/soak.sh", import.meta.url));

/** Starts a server, lets everything happen to it, and checks that in the end it is as before. Prints as it goes. */
export async function runSoak(options: SoakOptions, children: Children, violations: Violations): Promise<void> {
  const mark = `SOAK_MARK=${process.pid}-${options.seed}`;
  const [name = "", value = ""] = mark.split("=");
  const server = await RunningServer.start(
    ourTarget,
    { options: [...serverWords, "--passenv", `PATH,${name}`], program: ["sh", program] },
    children,
    { environment: { [name]: value }, hasProbe: true },
  );
  const observed = new ObservedServer(server, mark);
  const before = await warmUp(observed, violations);
  const mix = new Mix(server.host, server.port, new Random(options.seed), violations);
  await letHappen(mix, observed, options.seconds * 1000, before, violations);
  if (!server.isRunning) return;
  await comeToRest(mix, violations);
  const after = await checkRest(observed, before, violations);
  process.stdout.write(`${formatHoldings("before", before)}\n${formatHoldings("after", after)}\n`);
  process.stdout.write(`${(await observed.events()).join("\n")}\n`);
  await checkService(observed, violations);
}

/** Has every kind of room and a burst once, so that code is loaded and the heap has grown when holdings are noted. */
async function warmUp(observed: ObservedServer, violations: Violations): Promise<Holdings> {
  const { host, port } = observed.server;
  const mix = new Mix(host, port, new Random(1), violations);
  // That a client has left a room which reads nothing takes the server some seconds to find out.
  for (const kind of roomKinds) if (kind.talk !== "deaf") mix.joinRoom(kind, `${kind.name}-warm`);
  await eventually(settleLimitMs, () => mix.opening === 0);
  for (const client of mix.wellBehaved(["echo"])) client.say(5000, 1000);
  for (const client of mix.wellBehaved(["numbers"])) client.ask(10_000);
  await sleep(warmUpMs);
  await comeToRest(mix, violations);
  await eventually(leaveLimitMs, async () => (await observed.openRooms()).length === 0);
  // Buffers that the first collection finds to be garbage are let go of behind it.
  await observed.holdings();
  return observed.holdings();
}

async function letHappen(
  mix: Mix,
  { server }: ObservedServer,
  forMs: number,
  before: Holdings,
  violations: Violations,
): Promise<void> {
  const startMs = performance.now();
  let nextReportMs = reportMs;
  for (;;) {
    const elapsedMs = performance.now() - startMs;
    if (!server.isRunning) {
      violations.add(`the server has ended: ${server.log}`);
      return;
    }
    if (elapsedMs >= nextReportMs || elapsedMs >= forMs) {
      process.stdout.write(`${formatProgress(elapsedMs, mix, server.pid)}\n`);
      nextReportMs += reportMs;
    }
    if (elapsedMs >= forMs) return;
    const resident = residentBytes(server.pid);
    if (resident > before.residentBytes + maxResidentGrowth) violations.add(`${resident} bytes of memory are resident`);
    mix.random.pickWeighted(actions).act(mix);
    mix.patrol();
    await sleep(tickMs);
  }
}

/** Wakes everybody, has each say one thing more, waits until everybody has heard all, and has everybody go. */
async function comeToRest(mix: Mix, violations: Violations): Promise<void> {
  mix.wakeAll();
  await eventually(settleLimitMs, () => mix.opening === 0);
  for (const client of mix.wellBehaved(["echo"])) client.say(1, 100);
  for (const client of mix.wellBehaved(["numbers"])) client.ask(1);
  const isSettled = await eventually(settleLimitMs, () => mix.isSettled);
  if (!isSettled) for (const text of mix.unsettled) violations.add(`in the end ${text}`);
  mix.leaveAll();
  const areGone = await eventually(leaveLimitMs, () => mix.clients.size === 0);
  if (areGone) return;
  for (const { name, room, conduct } of mix.clients) violations.add(`${name} (${conduct}) is not let go by ${room}`);
}
