import { once } from "node:events";
import type { Server } from "node:http";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { Listener, type Receptionist } from "../../../src/listening/listener.ts";
import type { Place } from "../../../src/listening/place.ts";
import { silentLogger } from "../../../src/logger.ts";
import { loadCLibrary } from "../../../src/system/c-library.ts";
import { listeningHandleOf } from "../../../src/system/listening-handle.ts";
import { deferredSeconds } from "../../helpers/deferred-seconds.ts";

const nothing = (): void => undefined;
const forClients: Receptionist = { onRequest: nothing, onUpgrade: nothing, onPromptClient: nothing };
const forOperators: Receptionist = { onRequest: nothing };

/** For how many seconds connections at a place may be held back until they say something. */
async function heldBack(place: Place, receptionist: Receptionist): Promise<number | undefined> {
  const servers: Server[] = [];
  const listener = await Listener.open(place, receptionist, {
    limits: {},
    certificates: undefined,
    onServer: (http) => servers.push(http),
    logger: silentLogger,
  });
  const [http] = servers;
  const seconds = http && deferredSeconds(http);
  await listener.close();
  return seconds;
}

test("clients of rooms come with their first bytes, operators and those at sockets of others as ever", async () => {
  const address = { host: "127.0.0.1", port: 0 };
  expect(await heldBack({ purpose: "rooms", kind: "tcp", address }, forClients)).toBe(1);
  expect(await heldBack({ purpose: "admin", kind: "tcp", address }, forOperators)).toBe(0);
  const maker = createServer().listen(0, "127.0.0.1");
  await once(maker, "listening");
  const duplicate = loadCLibrary().find("int dup(int descriptor)");
  const socket = {
    descriptor: duplicate(listeningHandleOf(maker)?.fd) as number,
    name: "unknown",
    unixPath: undefined,
  };
  expect(await heldBack({ purpose: "rooms", kind: "passed", socket }, forClients)).toBe(0);
  maker.close();
});
