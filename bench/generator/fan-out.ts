import type { Dialer } from "../client/dialer.ts";
import { NumberReader } from "../client/number-reader.ts";
import { percentile } from "../report/statistics.ts";
import { monotonicMs } from "./clock.ts";
import { countNumbered } from "./count-numbered.ts";
import { checkAll, openCrowd, sayGo } from "./crowd.ts";
import type { Figures, JobOf } from "./jobs.ts";
import { Ledger } from "./ledger.ts";
import { Round } from "./round.ts";

/** Messages of programs/burst.mjs begin with their number. */
export async function fanOut(job: JobOf<"fan-out">, dialer: Dialer): Promise<Figures> {
  const { clients: count, messages, size } = job;
  const clients = await openCrowd(dialer, count);
  const round = new Round(count * messages);
  const ledgers = clients.map((client, index) => {
    const ledger = new Ledger(`client ${index}`, size);
    client.onMessage = countNumbered(ledger, round);
    return ledger;
  });
  await round.run(() => sayGo(clients[0]));
  checkAll(round, ledgers, messages);
  return round.figures();
}

/** Messages of programs/paced.mjs hold their number, and the microsecond at which they were written. */
export async function paced(job: JobOf<"paced">, dialer: Dialer): Promise<Figures> {
  const { clients: count, messages, size } = job;
  const clients = await openCrowd(dialer, count);
  const round = new Round(count * messages);
  const numbers = new NumberReader();
  const delaysMs: number[] = [];
  const ledgers = clients.map((client, index) => {
    const ledger = new Ledger(`client ${index}`, size);
    client.onMessage = (bytes, start, end) => {
      numbers.read(bytes, start, end);
      ledger.take(numbers.next(), end - start);
      delaysMs.push(monotonicMs() - numbers.next() / 1000);
      round.add();
    };
    return ledger;
  });
  await round.run(() => sayGo(clients[0]));
  checkAll(round, ledgers, messages);
  return { ...round.figures(), p50: percentile(delaysMs, 50), p99: percentile(delaysMs, 99) };
}
