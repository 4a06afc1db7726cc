import { join } from "./client.ts";
import { startServer, type TestServer } from "./server.ts";

/** Stops the server, and resolves to all that it has logged until its end. */
export async function wholeLog(server: TestServer): Promise<string> {
  await server.stop();
  return server.log();
}

/** All that a server logs with which one client exchanges one message, from its start to its end. */
export async function logOfOneMessage(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  await using server = await startServer(["cat", ...words], { env });
  await using client = await join(server, "room");
  client.send("hello");
  await client.messages(1);
  return await wholeLog(server);
}
