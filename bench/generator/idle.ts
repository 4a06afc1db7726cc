import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "../client/client.ts";
import type { Dialer } from "../client/dialer.ts";
import { maxDescriptors, residentBytes } from "../server/proc.ts";
import type { Figures, JobOf } from "./jobs.ts";
import { Round } from "./round.ts";

/** How long the server has to put away what the connections' beginning took. */
const settleMs = 2000;
/** How long a server of this kind does nothing before its heap gives back what the handshakes took. */
const restMs = 40_000;
const spareDescriptors = 100;
const kibibyte = 1024;

/** The program is `cat`: in the end one message comes back to each client, so all were there. */
export async function idle(job: JobOf<"idle">, dialer: Dialer, serverPid: number): Promise<Figures> {
  const most = Math.max(...job.connections);
  if (maxDescriptors() < most + spareDescriptors) {
    throw new Error(`${most} connections need as many descriptors, and ulimit -n gives ${maxDescriptors()}`);
  }
  const clients: Client[] = [];
  const resident: number[] = [];
  for (const count of job.connections) {
    clients.push(...(await dialer.openAll(count - clients.length, () => "/idle")));
    await sleep(settleMs);
    resident.push(residentBytes(serverPid));
  }
  await sleep(restMs);
  const rested = residentBytes(serverPid);
  await checkPresence(clients);
  const before = resident[0] ?? 0;
  const after = resident.at(-1) ?? 0;
  const steps = job.connections.map((count, step) => [`resident at ${count}`, resident[step] ?? 0]);
  const each = (bytes: number): number => (bytes - before) / most / kibibyte;
  return { ...Object.fromEntries(steps), each: each(after), rested: each(rested) };
}

async function checkPresence(clients: readonly Client[]): Promise<void> {
  const round = new Round(clients.length);
  for (const client of clients) client.onMessage = () => round.add();
  await round.run(() => clients[0]?.sendText("is everybody there?"));
  if (round.problem !== undefined)
    throw new Error(`of ${clients.length} idle clients not all were there: ${round.problem}`);
}
