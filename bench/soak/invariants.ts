import { Dialer } from "../client/dialer.ts";
import { eventually } from "../observed/eventually.ts";
import { checkHoldings } from "../observed/growth.ts";
import type { Holdings, ObservedServer } from "../observed/observed-server.ts";
import type { Violations } from "../observed/violations.ts";
import { commandLine } from "../server/proc.ts";

/** Two ping intervals for clients whose room was not read, the steps of the end of a process, and a busy machine. */
const roomsCloseLimitMs = 20_000;
const releaseLimitMs = 10_000;
const stopLimitMs = 10_000;

/** Messages that nobody can get: their room's process has ended. */
const expectedDrops = new Set(["input_closed"]);

/** Checks that the server holds on to nothing once all clients are gone. */
export async function checkRest(observed: ObservedServer, before: Holdings, violations: Violations): Promise<Holdings> {
  const areClosed = await eventually(roomsCloseLimitMs, async () => (await observed.openRooms()).length === 0);
  if (!areClosed) violations.add(`rooms are open without a client: ${(await observed.openRooms()).join(" ")}`);
  const areGone = await eventually(releaseLimitMs, () => observed.wrapped().length === 0);
  if (!areGone) violations.add(`processes are left: ${describeAll(observed.wrapped())}`);
  const guardians = observed.guardians();
  const hosts = observed.hosts().length;
  if (guardians.length !== hosts) violations.add(`not ${hosts} guardians, but: ${describeAll(guardians)}`);
  for (const [reason, count] of await observed.drops()) {
    if (!expectedDrops.has(reason)) violations.add(`${count} messages were dropped: ${reason}`);
  }
  return checkHoldings(observed, before, violations);
}

/** Checks that the server still serves, and that it stops in order while somebody is in. */
export async function checkService(observed: ObservedServer, violations: Violations): Promise<void> {
  const { server } = observed;
  if ((await observed.fetch("/health")) !== '{"status":"ok"}') violations.add("/health does not say that all is well");
  let echo = "";
  let code: number | undefined;
  const client = new Dialer(server.host, server.port).dial("/echoes-last");
  client.onMessage = (bytes, start, end) => {
    echo = bytes.toString("utf8", start, end);
  };
  client.onClose = (closing) => {
    code = closing.code;
  };
  await client.opened;
  client.sendText("still there?");
  if (!(await eventually(stopLimitMs, () => echo === "still there?"))) violations.add("a new room does not answer");
  const guardians = observed.guardians();
  const exitCode = await server.stop();
  if (exitCode !== 0) violations.add(`the server ended with ${exitCode ?? "a signal"}: ${server.log}`);
  if (!(await eventually(stopLimitMs, () => code === 1001))) violations.add(`the last client was closed with ${code}`);
  const isNobodyLeft = (): boolean =>
    observed.wrapped().length === 0 && guardians.every((guardian) => commandLine(guardian) === "");
  if (!(await eventually(stopLimitMs, isNobodyLeft))) violations.add("processes have outlived the server");
}

function describeAll(pids: readonly number[]): string {
  return pids.map((pid) => `${pid} (${commandLine(pid).slice(0, 60)})`).join(", ");
}
