import { bytesUnderWay } from "../../src/system/socket-handle.ts";
import { isStopped } from "./processes.ts";
import { RawClient } from "./raw-client.ts";
import type { TestServer } from "./server.ts";
import { until } from "./until.ts";

/** What somebody sends as soon as it is connected. */
export type Words = string | Buffer;

/** Has a server stand still meanwhile: what happens is there all at once when it goes on. */
export async function whileStill<T>({ child, pid }: TestServer, happen: () => Promise<T>): Promise<T> {
  child.kill("SIGSTOP");
  try {
    await until(() => isStopped(pid), "the server to stand still");
    return await happen();
  } finally {
    child.kill("SIGCONT");
  }
}

/** Clients whose words are at the server before it accepts their connections; one for each of the words, in their order. */
export async function promptClients(
  server: TestServer,
  words: readonly Words[],
  place: ConstructorParameters<typeof RawClient>[0] = server,
): Promise<RawClient[]> {
  return whileStill(server, async () => Promise.all(words.map(async (each) => arrivedClient(place, each))));
}

/** A client whose words have arrived where the server will find them. */
export async function arrivedClient(
  place: ConstructorParameters<typeof RawClient>[0],
  words: Words,
): Promise<RawClient> {
  const client = new RawClient(place);
  await client.send(words);
  await until(() => bytesUnderWay(client.socket) === 0, "the words to arrive");
  return client;
}
