import { once } from "node:events";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { join, refusal } from "../helpers/client.ts";
import { sh } from "../helpers/programs.ts";
import { runToEnd, startServer, type TestServer } from "../helpers/server.ts";
import { until } from "../helpers/until.ts";

test("--maxclients refuses one client too many in a room, until another has left", async () => {
  // Rooms that share a worker, too, have their own clients.
  await using server = await startServer(["--workers", "1", "--maxclients", "2", "cat"]);
  await using other = await join(server, "b");
  await using first = await join(server, "a");
  await using second = await join(server, "a");
  expect(await refused(server, "a")).toEqual({ status: 503, body: "room is full\n", retryAfter: "5" });
  second.socket.close();
  await until(async () => isLetIn(server, "a"), "a place in the room");
  first.send("hello");
  expect(await first.messages(1)).toEqual(["hello"]);
  expect(other.received).toEqual([]);
});

test("--maxclients counts those who come at the same time", async () => {
  await using server = await startServer(["--maxclients", "3", ...sh("cat")]);
  const tries = await Promise.all(Array.from({ length: 12 }, () => tryToJoin(server, "a")));
  const sockets = tries.filter((socket) => socket !== undefined);
  expect(sockets.length).toBe(3);
  for (const socket of sockets) socket.terminate();
});

test("--maxconnections refuses one client too many in all rooms together", async () => {
  await using server = await startServer(["--maxconnections", "2", "cat"]);
  await using first = await join(server, "a");
  await using second = await join(server, "b");
  for (const room of ["a", "b", "c"]) {
    expect(await refused(server, room)).toEqual({ status: 503, body: "server is full\n", retryAfter: "5" });
  }
  second.socket.close();
  await until(async () => isLetIn(server, "c"), "a place in the server");
  first.send("hello");
  expect(await first.messages(1)).toEqual(["hello"]);
});

test("--rooms serves these rooms only", async () => {
  await using server = await startServer(["--rooms", "lobby,__proto__", ...sh('echo "$ROOM"; cat')]);
  for (const room of ["lobby", "__proto__"]) {
    await using client = await join(server, room);
    expect(await client.messages(1)).toEqual([room]);
  }
  for (const room of ["other", "constructor", "Lobby", "lobb%79,"]) {
    const { status, body } = await refused(server, room);
    expect({ status, body }).toEqual({ status: 400, body: "no such room: only rooms with given names are served\n" });
  }
  await using decoded = await join(server, "lobb%79");
  expect(await decoded.messages(1)).toEqual(["lobby"]);
});

test("--rooms does not take a name that no room can have", async () => {
  const { code, stderr } = await runToEnd(["--rooms", "lobby,metrics", "cat"]);
  expect(code).toBe(2);
  expect(stderr).toContain(
    '--rooms: expected names of rooms with commas between them, none of them reserved, got "metrics"',
  );
});

test("--maxrooms refuses the next room, and takes clients of those that are open", async () => {
  await using server = await startServer(["--maxrooms", "2", "cat"]);
  await using first = await join(server, "a");
  await using second = await join(server, "b");
  expect(await refused(server, "c")).toEqual({
    status: 503,
    body: "no room left: too many are open\n",
    retryAfter: "5",
  });
  await using third = await join(server, "a");
  third.send("hello");
  expect(await first.messages(1)).toEqual(["hello"]);
  second.socket.close();
  await until(async () => isLetIn(server, "c"), "a room to be gone");
});

test("--maxforks is another name of --maxrooms", async () => {
  await using server = await startServer(["--maxforks", "1", "cat"]);
  await using first = await join(server, "a");
  expect((await refused(server, "b")).status).toBe(503);
  first.send("hello");
  expect(await first.messages(1)).toEqual(["hello"]);
});

async function refused(
  server: TestServer,
  room: string,
): Promise<{ status: number; body: string; retryAfter: string | string[] | undefined }> {
  const { status, body, headers } = await refusal(server, room);
  return { status, body, retryAfter: headers["retry-after"] };
}

async function isLetIn(server: TestServer, room: string): Promise<boolean> {
  const socket = await tryToJoin(server, room);
  socket?.terminate();
  return socket !== undefined;
}

/** The socket of a client that was let in; undefined where it was refused. */
async function tryToJoin(server: TestServer, room: string): Promise<WebSocket | undefined> {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/${room}`);
  try {
    await once(socket, "open");
    return socket;
  } catch {
    return undefined;
  }
}
