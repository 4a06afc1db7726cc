import type { TestClient } from "./client.ts";
import { families } from "./metrics.ts";
import type { TestServer } from "./server.ts";
import { until } from "./until.ts";

/** A client leaves in order; resolves when the server (with -v) has seen it. */
export async function leave(server: TestServer, client: TestClient): Promise<void> {
  const seen = server.log().split("client left").length;
  client.socket.close();
  await until(
    () => server.log().split("client left").length > seen,
    () => `a client to leave: ${server.log()}`,
  );
}

/** Waits until the log says that a process has ended, and how where that is told. */
export async function processEnded(server: TestServer, how = ""): Promise<void> {
  await until(
    () => /process (exited|ended)/.test(server.log()) && server.log().includes(how),
    () => `a process to end: ${how} in ${server.log()}`,
  );
}

/**
 * Lets the event loops of a server (with --metrics) and of its workers come around, so that they have seen what happened
 * before.
 */
export async function turns(server: TestServer): Promise<void> {
  // Each time all workers are asked.
  await families(server);
  await families(server);
}
