import { once } from "node:events";
import type { TestServer } from "./server.ts";

/** Stops the server, and resolves to all that it has logged until its end. */
export async function wholeLog(server: TestServer): Promise<string> {
  const closed = once(server.child, "close");
  await server.stop();
  await closed;
  return server.log();
}
