import type { Client } from "../client/client.ts";
import type { Dialer } from "../client/dialer.ts";
import { NumberReader } from "../client/number-reader.ts";
import { percentile } from "../report/statistics.ts";
import { checkAll } from "./crowd.ts";
import type { Figures, JobOf } from "./jobs.ts";
import { Ledger } from "./ledger.ts";
import { Round } from "./round.ts";

/** The program is `cat`, one for each client. */
export async function echo(job: JobOf<"echo">, dialer: Dialer): Promise<Figures> {
  const { rooms, messages, size } = job;
  const clients = await dialer.openAll(rooms, (index) => `/echo-${index}`);
  await Promise.all(clients.map(awaken));
  const round = new Round(rooms * messages);
  const timesMs: number[] = [];
  const talks = clients.map((client, index) => talk(client, `client ${index}`, { messages, size, round, timesMs }));
  await round.run(() => {
    for (const { start } of talks) start();
  });
  checkAll(
    round,
    talks.map(({ ledger }) => ledger),
    messages,
  );
  return { ...round.figures(), p50: percentile(timesMs, 50), p99: percentile(timesMs, 99) };
}

/** The first message waits for the start of the program. */
async function awaken(client: Client): Promise<void> {
  await new Promise<void>((resolve) => {
    client.onMessage = () => resolve();
    client.sendText("are you there?");
  });
}

interface TalkOptions {
  readonly messages: number;
  readonly size: number;
  readonly round: Round;
  readonly timesMs: number[];
}

/** Says each message when the one before has come back. */
function talk(client: Client, name: string, options: TalkOptions): { ledger: Ledger; start: () => void } {
  const { messages, size, round, timesMs } = options;
  const ledger = new Ledger(name, size);
  const numbers = new NumberReader();
  let next = 0;
  let saidAtMs = 0;
  const say = (): void => {
    saidAtMs = performance.now();
    client.sendText(`${next} `.padEnd(size, "x"));
    next += 1;
  };
  client.onMessage = (bytes, start, end) => {
    timesMs.push(performance.now() - saidAtMs);
    numbers.read(bytes, start, end);
    ledger.take(numbers.next(), end - start);
    if (next < messages) say();
    round.add();
  };
  return { ledger, start: say };
}
