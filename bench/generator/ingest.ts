import type { Dialer } from "../client/dialer.ts";
import { clientFrames, frames } from "../client/frame-writer.ts";
import { openCrowd } from "./crowd.ts";
import type { Figures, JobOf } from "./jobs.ts";
import { Round } from "./round.ts";

/** programs/sink.mjs counts and checks what comes, and says so in the end. */
export async function ingest(job: JobOf<"ingest">, dialer: Dialer): Promise<Figures> {
  const { clients: count, messages, size } = job;
  const clients = await openCrowd(dialer, count);
  // Made before the clock starts, and written in one go: the kernel takes what it can, and then asks for more.
  const batches = clients.map((_, client) => clientFrames(frames.text, numbered(client, messages, size)));
  const round = new Round(1);
  let answer = "";
  clients[0].onMessage = (bytes, start, end) => {
    answer = bytes.toString("latin1", start, end);
    round.add();
  };
  await round.run(() => {
    for (const [client, batch] of batches.entries()) clients[client]?.write(batch);
  });
  if (answer !== `DONE ${count * messages}`) {
    throw new Error(answer === "" ? "the program did not get all messages" : answer);
  }
  return { ...round.figures(), rate: (count * messages) / round.seconds };
}

function* numbered(client: number, messages: number, size: number): Generator<string> {
  for (let number = 0; number < messages; number += 1) yield `${client} ${number} `.padEnd(size, "x");
}
