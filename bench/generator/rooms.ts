import type { Dialer } from "../client/dialer.ts";
import { percentile } from "../report/statistics.ts";
import type { Figures, JobOf } from "./jobs.ts";
import { Round } from "./round.ts";

const greeting = "hello";

/** The program says hello. Each client comes to a room of its own, waits for that and goes. */
export async function rooms(job: JobOf<"rooms">, dialer: Dialer): Promise<Figures> {
  const round = new Round(job.rooms);
  const timesMs: number[] = [];
  const problems: string[] = [];
  let next = 0;
  const openInTurn = async (): Promise<void> => {
    while (next < job.rooms) {
      const startedAtMs = performance.now();
      next += 1;
      const room = next;
      const heard = await visit(dialer, `/room-${room}`);
      if (heard !== greeting) problems.push(`room ${room} said ${JSON.stringify(heard)} first`);
      timesMs.push(performance.now() - startedAtMs);
      round.add();
    }
  };
  await round.run(() => {
    for (let count = 0; count < job.atOnce; count += 1) {
      openInTurn().catch((error: unknown) => problems.push(String(error)));
    }
  });
  if (round.problem !== undefined) problems.push(round.problem);
  if (problems.length > 0) throw new Error(problems.slice(0, 3).join("; "));
  return { ...round.figures(), p50: percentile(timesMs, 50), p99: percentile(timesMs, 99) };
}

/** Resolves to the first message. @throws where the connection ends before. */
async function visit(dialer: Dialer, path: string): Promise<string> {
  const client = dialer.dial(path);
  try {
    return await new Promise<string>((resolve, reject) => {
      client.opened.catch(reject);
      client.onMessage = (bytes, start, end) => resolve(bytes.toString("utf8", start, end));
      client.onClose = ({ code, reason }) => reject(new Error(`${path} was closed before it spoke: ${code} ${reason}`));
    });
  } finally {
    client.destroy();
  }
}
