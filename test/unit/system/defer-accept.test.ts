import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { expect, test, vi } from "vitest";
import { loadCLibrary } from "../../../src/system/c-library.ts";
import { deferAccept } from "../../../src/system/defer-accept.ts";
import { deferredSeconds } from "../../helpers/deferred-seconds.ts";

vi.mock("../../../src/system/c-library.ts", { spy: true });

async function listening(): Promise<Server> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

test("connections come with their first bytes, and also where they have none", async () => {
  await using server = await listening();
  expect(deferredSeconds(server)).toBe(0);
  deferAccept(server);
  expect(deferredSeconds(server)).toBe(1);
  const { port } = server.address() as AddressInfo;
  for (const words of ["hello", ""]) {
    const client = connect(port, "127.0.0.1");
    client.write(words);
    const [socket] = (await once(server, "connection")) as [Socket];
    socket.resume();
    client.resume().end();
    await once(client, "close");
  }
});

test("a server that does not listen, and a system without the call, are left as they are", async () => {
  deferAccept(createServer());
  await using server = await listening();
  vi.mocked(loadCLibrary).mockImplementationOnce(() => {
    throw new Error("there is none");
  });
  deferAccept(server);
  expect(deferredSeconds(server)).toBe(0);
});
