import type { Dialer } from "../client/dialer.ts";
import { NumberReader } from "../client/number-reader.ts";
import { checkAll, openCrowd, sayGo } from "./crowd.ts";
import type { Figures, JobOf } from "./jobs.ts";
import { Ledger } from "./ledger.ts";
import { Round } from "./round.ts";

/** Messages of programs/private-*.mjs hold the id of the client that they are for, and that client's own numbers. */
export async function privateMessages(job: JobOf<"private">, dialer: Dialer): Promise<Figures> {
  const { clients: count, messages, size } = job;
  const clients = await openCrowd(dialer, count);
  const round = new Round(messages);
  const numbers = new NumberReader();
  const ids: number[] = [];
  const ledgers = clients.map((client, index) => {
    const ledger = new Ledger(`client ${index}`, size);
    client.onMessage = (bytes, start, end) => {
      numbers.read(bytes, start, end);
      const id = numbers.next();
      ids[index] ??= id;
      // A message for somebody else is no message of this client, whatever its number.
      ledger.take(id === ids[index] ? numbers.next() : -1, end - start);
      round.add();
    };
    return ledger;
  });
  await round.run(() => sayGo(clients[0]));
  checkAll(round, ledgers, messages / count);
  if (new Set(ids).size !== count) throw new Error("two clients got messages for the same id");
  return round.figures();
}
