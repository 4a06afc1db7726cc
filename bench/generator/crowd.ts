import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "../client/client.ts";
import type { Dialer } from "../client/dialer.ts";
import type { Ledger } from "./ledger.ts";
import type { Round } from "./round.ts";

const readyTimeoutMs = 10_000;
/** A server may answer the handshake before the client is in its room. */
const settleMs = 100;
const maxProblemsTold = 3;

/** What a client says to a program of programs/. JSON, because JSON framing lets nothing else through. */
const saying = (word: string): string => JSON.stringify({ say: `${word};` });

/** Opens that many clients in one room and has its program get ready; each client hears that, so all are in the room. */
export async function openCrowd(dialer: Dialer, count: number): Promise<readonly [Client, ...Client[]]> {
  const [first, ...others] = await dialer.openAll(count, () => "/bench");
  if (first === undefined) throw new Error("a crowd needs one client");
  const clients = [first, ...others] as const;
  await sleep(settleMs);
  const allReady = eachHears(clients, "READY");
  first.sendText(saying("PREPARE"));
  await allReady;
  return clients;
}

/** What the first client says when the clock starts. */
export function sayGo(client: Client): void {
  client.sendText(saying("GO"));
}

/** @throws with what is missing or wrong, of each client the first thing. */
export function checkAll(round: Round, ledgers: readonly Ledger[], messagesEach: number): void {
  const problems = ledgers.flatMap((ledger) => ledger.problem(messagesEach) ?? []);
  const told = problems.slice(0, maxProblemsTold);
  if (problems.length > told.length) told.push(`and ${problems.length - told.length} more clients`);
  if (round.problem !== undefined) told.unshift(round.problem);
  if (told.length > 0) throw new Error(told.join("; "));
}

async function eachHears(clients: readonly Client[], word: string): Promise<void> {
  let missing = clients.length;
  const problems: string[] = [];
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => {
      problems.push(`${missing} of ${clients.length} clients did not hear their program within ${readyTimeoutMs} ms`);
      resolve();
    }, readyTimeoutMs);
    const hear = (text: string): void => {
      if (!text.includes(word)) problems.push(`unexpected message: ${text.slice(0, 100)}`);
      missing -= 1;
      if (missing > 0) return;
      clearTimeout(timer);
      resolve();
    };
    for (const client of clients) {
      client.onMessage = (bytes, start, end) => {
        client.onMessage = () => problems.push("a client heard its program twice");
        hear(bytes.toString("latin1", start, end));
      };
    }
  });
  if (problems[0] !== undefined) throw new Error(problems[0]);
}
