import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { join, joinSoon, refusal, type TestClient } from "../helpers/client.ts";
import { isAlive, workersOf } from "../helpers/processes.ts";
import { sh } from "../helpers/programs.ts";
import { ask } from "../helpers/raw-http.ts";
import { upgradeRequest } from "../helpers/raw-socket.ts";
import { startServer, type TestServer } from "../helpers/server.ts";
import { until } from "../helpers/until.ts";

/** Lets clients say where they come from, as if there were a proxy before each. */
const proxied = ["--trustproxy", "loopback"];

function from(address: string): { headers: Record<string, string> } {
  return { headers: { "X-Forwarded-For": address } };
}

/** Whether one more client may come from there now. It leaves again. */
async function hasPlace(server: TestServer, address: string, room = "probe"): Promise<boolean> {
  try {
    await using client = await join(server, room, from(address));
    return client.socket.readyState === client.socket.OPEN;
  } catch {
    return false;
  }
}

/** All places of an address are free: as many come in at once, and no more. */
async function allFree(server: TestServer, address: string, most: number): Promise<void> {
  await until(
    async () => {
      const tries = await Promise.allSettled(
        Array.from({ length: most + 1 }, async () => join(server, "probe", from(address))),
      );
      const inside = tries.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
      expect(inside.length).toBeLessThanOrEqual(most);
      await Promise.all(inside.map(async (client) => client[Symbol.asyncDispose]()));
      return inside.length === most;
    },
    () => `${most} places for ${address}\n${server.log().slice(-2000)}`,
  );
}

describe.each([["0"], ["2"]])("with --workers %s", (workers) => {
  const words = ["--workers", workers, ...proxied];

  test("--maxperip refuses one websocket too many from an address, until another has left", async () => {
    await using server = await startServer([...words, "--maxperip", "2", "cat"]);
    await using first = await join(server, "a", from("203.0.113.9"));
    await using second = await join(server, "b", from("203.0.113.9"));
    const refused = await refusal(server, "c", from("1.1.1.1, 203.0.113.9"));
    expect(refused).toMatchObject({ status: 429, body: "too many connections from 203.0.113.9\n" });
    expect(refused.headers["retry-after"]).toBe("5");
    expect(await hasPlace(server, "203.0.113.10")).toBe(true);
    // Other requests are not counted.
    expect((await server.http("/health", from("203.0.113.9"))).status).toBe(200);
    second.socket.close();
    await until(async () => hasPlace(server, "203.0.113.9"), "a place");
    first.send("hello");
    expect(await first.messages(1)).toEqual(["hello"]);
  });

  test("no place is lost, whatever becomes of those who had it", async () => {
    const program = sh("case $ROOM in exit*) exit 3;; slow*) sleep 0.2;; esac; cat");
    const limits = ["--maxperip", "3", "--rooms", "probe,a,b,c,exit1,exit2,slow1,slow2"];
    await using server = await startServer([...words, ...limits, ...program]);
    const address = "203.0.113.9";
    // Left in order, cut, and closed by the end of the process.
    const clients = await Promise.all(["a", "b", "c"].map(async (room) => join(server, room, from(address))));
    clients[0]?.socket.close();
    clients[1]?.socket.terminate();
    clients[2]?.send("x");
    clients[2]?.socket.terminate();
    await allFree(server, address, 3);
    for (const room of ["exit1", "exit2"]) {
      await using client = await joinSoon(server, room, from(address));
      expect((await client.closed).code).toBe(1011);
    }
    await allFree(server, address, 3);
    // Refused behind the gate, by the list of rooms, and before it, as no handshake.
    for (let tries = 0; tries < 5; tries += 1) {
      expect(await statusOf(server, "unknown", address)).toBe(400);
      expect(await statusOf(server, "a", address, { "Sec-WebSocket-Version": "8" })).toBe(400);
    }
    await allFree(server, address, 3);
    // Gone without waiting for the answer.
    for (let tries = 0; tries < 5; tries += 1) {
      await Promise.all(["slow1", "slow2", "a"].map(async (room) => goAwayAtOnce(server, room, address)));
    }
    await allFree(server, address, 3);
  });

  test("--connrate refuses who comes too often, and lets in others, and later the same again", async () => {
    await using server = await startServer([...words, "--connrate", "1", "cat"]);
    const tries = await Promise.all(Array.from({ length: 5 }, async () => hasPlace(server, "203.0.113.9")));
    expect(tries).toEqual([true, true, true, true, true]);
    await until(async () => !(await hasPlace(server, "203.0.113.9")), "one too many");
    const refused = "refused with 429: too many new connections from 203.0.113.9";
    await until(() => server.log().includes(refused), "the log to tell of it");
    expect(await hasPlace(server, "203.0.113.10")).toBe(true);
    await until(async () => hasPlace(server, "203.0.113.9"), "the rate to allow one more");
  });
});

test("clients of one /64 of IPv6 share their places, and those of the next do not", async () => {
  await using server = await startServer(["--workers", "0", ...proxied, "--maxperip", "1", "cat"]);
  await using client = await join(server, "a", from("2001:db8:0:1::1"));
  expect(await hasPlace(server, "2001:db8:0:1:ffff::1")).toBe(false);
  expect(await hasPlace(server, "2001:db8:0:2::1")).toBe(true);
  client.send("hello");
  expect(await client.messages(1)).toEqual(["hello"]);
});

test("an address is believed of a known proxy only", async () => {
  await using server = await startServer(["--workers", "0", "--trustproxy", "10.0.0.0/8", "--maxperip", "1", "cat"]);
  await using first = await join(server, "a", from("203.0.113.9"));
  expect(await refusal(server, "b", from("203.0.113.10"))).toMatchObject({
    status: 429,
    body: "too many connections from 127.0.0.1\n",
  });
  first.send("hello");
  expect(await first.messages(1)).toEqual(["hello"]);
});

test("the places of a worker that dies are given back, and those of the others are kept", async () => {
  await using server = await startServer(["--workers", "2", ...proxied, "--maxperip", "8", "cat"]);
  const address = "203.0.113.9";
  const rooms = Array.from({ length: 8 }, (_, index) => `r${index}`);
  const clients = await Promise.all(rooms.map(async (room) => join(server, room, from(address))));
  expect(await hasPlace(server, address)).toBe(false);
  const [pid = 0] = workersOf(server.pid);
  process.kill(pid, "SIGKILL");
  await until(() => !isAlive(pid), "the worker to be gone");
  const lost: TestClient[] = [];
  await until(() => {
    lost.splice(0, lost.length, ...clients.filter(({ socket }) => socket.readyState === socket.CLOSED));
    return lost.length > 0;
  }, "its clients to be gone");
  // Rooms are spread evenly, so half of them were its.
  await until(
    () => clients.filter(({ socket }) => socket.readyState === socket.CLOSED).length === 4,
    "half of the clients",
  );
  await allFree(server, address, 4);
  await Promise.all(clients.map(async (client) => client[Symbol.asyncDispose]()));
  await allFree(server, address, 8);
});

/** The status of the answer to a websocket, once there is a place for it. */
async function statusOf(server: TestServer, room: string, address: string, more = {}): Promise<number> {
  let status = 0;
  await until(async () => {
    ({ status } = await ask(server.port, upgradeRequest(`/${room}`, { ...from(address).headers, ...more })));
    return status !== 429;
  }, "a place");
  return status;
}

/** A client that asks to join and resets its connection without waiting for the answer. */
async function goAwayAtOnce(server: TestServer, room: string, address: string): Promise<void> {
  const socket = connect({ host: "127.0.0.1", port: server.port });
  socket.on("error", () => undefined);
  await once(socket, "connect");
  socket.write(upgradeRequest(`/${room}`, from(address).headers));
  await new Promise((resolve) => setImmediate(resolve));
  const closed = once(socket, "close");
  socket.resetAndDestroy();
  await closed;
}
