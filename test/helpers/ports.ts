import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:net";

const host = "127.0.0.1";
const maxTries = 100;

/** Below the ports that systems give to whoever asks for any: such a port could be gone before it is used. */
const lowest = 15_000;
const highest = 32_000;

/** Tests of one file run side by side, and each keeps its ports for some time without listening on them. */
const given = new Set<number>();

/** A row of TCP ports that nothing listens on, as `--tcpports` takes it. */
export interface FreePorts {
  readonly start: number;
  readonly end: number;
  readonly range: string;
}

/** Finds ports that can be listened on, somewhere else each time. */
export async function freePorts(count: number): Promise<FreePorts> {
  for (let tries = 0; tries < maxTries; tries += 1) {
    const start = randomInt(lowest, highest - count);
    const row = Array.from({ length: count }, (_each, offset) => start + offset);
    if (row.some((port) => given.has(port)) || !(await areFree(row))) continue;
    for (const port of row) given.add(port);
    const end = start + count - 1;
    return { start, end, range: `${start}:${end}` };
  }
  throw new Error(`no ${count} free ports in a row`);
}

export async function listen(port: number): Promise<Server> {
  const server = createServer().listen({ host, port });
  await once(server, "listening");
  return server;
}

async function areFree(ports: readonly number[]): Promise<boolean> {
  const results = await Promise.allSettled(ports.map(listen));
  const servers = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  await Promise.all(servers.map(close));
  return servers.length === ports.length;
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, "close");
}
