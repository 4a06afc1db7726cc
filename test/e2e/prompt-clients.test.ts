import { describe, expect, test } from "vitest";
import { join } from "../helpers/client.ts";
import { openFilesOf, workersOf } from "../helpers/processes.ts";
import { sh } from "../helpers/programs.ts";
import { RawClient, textFrame } from "../helpers/raw-client.ts";
import { ask, rawRequest } from "../helpers/raw-http.ts";
import { upgradeRequest } from "../helpers/raw-socket.ts";
import { startServer, type TestServer } from "../helpers/server.ts";
import { settled } from "../helpers/settled.ts";
import { arrivedClient, promptClients, whileStill } from "../helpers/standstill.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";
import { webServer } from "../helpers/web-server.ts";

const rooms = 10;
const clients = 100;

/** A request for a room with a message right behind it. */
function knockAndSay({ room, message }: Speaker): Buffer {
  return Buffer.concat([Buffer.from(upgradeRequest(`/${room}`)), textFrame(message)]);
}

interface Speaker {
  readonly room: string;
  readonly message: string;
}

/** Clients to be, some of them in each room. */
function crowdOf(count: number): Speaker[] {
  return Array.from({ length: count }, (_, index) => ({
    room: `r${index % rooms}`,
    message: `r${index % rooms}-${index}`,
  }));
}

/** Each gets its answer and what it has said itself, and nothing from other rooms. */
async function allEcho(crowd: readonly Speaker[], all: readonly RawClient[]): Promise<void> {
  for (const [index, { room, message }] of crowd.entries()) {
    const client = all[index] as RawClient;
    await until(
      () => client.texts.includes(message),
      () => `${message}, got ${client.received}`,
    );
    expect(client.head).toMatch(/^HTTP\/1\.1 101 /);
    expect(client.texts.filter((text) => !text.startsWith(`${room}-`))).toEqual([]);
  }
}

/** How many answered with each status, once all have an answer. */
async function statusesOf(all: readonly RawClient[]): Promise<Readonly<Record<string, number>>> {
  await until(
    () => all.every(({ head }) => head !== ""),
    () => `answers for all: ${all.map(({ head }) => head.slice(0, 12)).join(", ")}`,
  );
  const counts: Record<string, number> = {};
  for (const { head } of all) counts[head.slice(9, 12)] = (counts[head.slice(9, 12)] ?? 0) + 1;
  return counts;
}

async function closeAll(all: readonly RawClient[]): Promise<void> {
  await Promise.all(all.map(async (client) => client[Symbol.asyncDispose]()));
}

function openFiles(server: TestServer): number {
  return [server.pid, ...workersOf(server.pid)].reduce((sum, pid) => sum + openFilesOf(pid), 0);
}

describe.each([["0"], ["2"]])(
  "with --workers %s, clients whose requests are there with their connections",
  (workers) => {
    const words = ["--workers", workers];

    test("get into their rooms, and what they say right behind their requests does, too", async () => {
      await using server = await startServer([...words, "cat"]);
      const crowd = crowdOf(clients);
      const all = await promptClients(server, crowd.map(knockAndSay));
      await allEcho(crowd, all);
      await closeAll(all);
    });

    test("do so beside others whose requests come in pieces, and plain requests", async () => {
      await using server = await startServer([...words, "cat"]);
      const crowd = crowdOf(rooms);
      const [pieces, whole] = [crowd.map(knockAndSay), crowdOf(2 * rooms).slice(rooms)];
      const late = await Promise.all(pieces.map(async (bytes) => arrivedClient(server, bytes.subarray(0, 40))));
      const plain = rawRequest("/health");
      const prompt = await promptClients(
        server,
        whole.flatMap((speaker) => [knockAndSay(speaker), plain]),
      );
      for (const [index, client] of late.entries()) await client.send((pieces[index] as Buffer).subarray(40));
      const [inRooms, asking] = [
        prompt.filter((_, index) => index % 2 === 0),
        prompt.filter((_, index) => index % 2 === 1),
      ];
      await allEcho([...crowd, ...whole], [...late, ...inRooms]);
      expect(await statusesOf(asking)).toEqual({ 200: rooms });
      await closeAll([...late, ...prompt]);
    });

    test("are told to their processes as all others are", async () => {
      await using server = await startServer([...words, "-v", ...sh("env; echo end; cat")]);
      const request = upgradeRequest("/a/b%20c?d=%20e", {
        Origin: "http://x.example",
        "X-Own": "1, 2",
      });
      const prompt = await variablesOf(server, async () => (await promptClients(server, [request]))[0] as RawClient);
      const other = await variablesOf(server, async () => {
        const client = await arrivedClient(server, request.slice(0, 20));
        await ask(server.port, rawRequest("/health"));
        await client.send(request.slice(20));
        return client;
      });
      expect(prompt).toEqual(
        expect.arrayContaining(["REMOTE_ADDR=127.0.0.1", "HTTP_X_OWN=1, 2", "QUERY_STRING=d=%20e"]),
      );
      expect(prompt).toEqual(other);
    });

    test("leave nothing behind where they are gone by then", async () => {
      await using server = await startServer([...words, "cat"]);
      // What is loaded or opened for the first clients stays.
      const first = crowdOf(rooms);
      const early = await promptClients(server, first.map(knockAndSay));
      await allEcho(first, early);
      await closeAll(early);
      const before = await settled(() => openFiles(server));
      await whileStill(server, async () => {
        for (let index = 0; index < 60; index += 1) {
          const target = index % 3 === 0 ? "/no%20room" : `/r${index % rooms}`;
          const client = await arrivedClient(server, upgradeRequest(target));
          if (index % 2 === 0) client.socket.resetAndDestroy();
          else client.socket.destroy();
          await client.ended;
        }
      });
      // All of them were accepted before this one.
      expect((await ask(server.port, rawRequest("/health"))).status).toBe(200);
      await until(
        () => openFiles(server) <= before,
        () => `${before} descriptors, got ${openFiles(server)}`,
      );
      expect(await settled(() => openFiles(server))).toBe(before);
      await using client = await join(server, "r0");
      client.send("still here");
      expect(await client.messages(1)).toEqual(["still here"]);
    });

    test("come over a unix socket as well", async () => {
      await using folder = await tempFolder();
      const path = folder.at("s");
      await using server = await startServer([...words, "--unixsocket", path, "cat"], { addresses: [] });
      const crowd = crowdOf(rooms);
      const knocks = crowd.map(knockAndSay);
      const [refused, ...all] = await promptClients(server, [upgradeRequest("/"), ...knocks], { path });
      await allEcho(crowd, all);
      expect(await statusesOf([refused as RawClient])).toEqual({ 400: 1 });
      await refused?.ended;
      await closeAll(all);
    });

    test.each([
      ["--maxperip", 429],
      ["--maxconnections", 503],
    ])("are no more than %s says", async (option, status) => {
      await using server = await startServer([...words, option, "3", "cat"]);
      const knocks = crowdOf(8).map(({ room }) => upgradeRequest(`/${room}`));
      const all = await promptClients(server, knocks);
      expect(await statusesOf(all)).toEqual({ 101: 3, [status]: 5 });
      await closeAll(all);
      await until(async () => {
        const more = await promptClients(server, knocks);
        const { 101: inside = 0 } = await statusesOf(more);
        await closeAll(more);
        expect(inside).toBeLessThanOrEqual(3);
        return inside === 3;
      }, "places for as many again");
    });

    test("are refused where the server stops while a hook is asked about them", async () => {
      let asked = 0;
      await using hook = await webServer(() => {
        asked += 1;
      });
      await using server = await startServer([...words, "--auth-url", hook.url, "cat"]);
      const all = await promptClients(server, crowdOf(rooms).map(knockAndSay));
      await until(() => asked === rooms, "the hook to be asked about all");
      expect(await server.stop()).toBe(0);
      expect(await statusesOf(all)).toEqual({ 503: rooms });
      for (const client of all) await client.ended;
      expect(all[0]?.received).toMatch(/\r\n\r\nserver is shutting down\n$/);
    });
  },
);

/** What the process of a new room tells its first client, which then leaves: its variables, but for the client's port. */
async function variablesOf(server: TestServer, come: () => Promise<RawClient>): Promise<string[]> {
  const ended = server.log().split("process exited").length;
  await using client = await come();
  await until(() => client.texts.includes("end"), "all variables");
  const lines = client.texts.filter((line) => line.includes("="));
  expect(lines).toContain(`REMOTE_PORT=${client.socket.localPort}`);
  client.socket.end();
  await until(
    () => server.log().split("process exited").length > ended,
    () => `the process to end: ${server.log()}`,
  );
  return lines.filter((line) => !line.startsWith("REMOTE_PORT=")).toSorted();
}
