import { expect, test } from "vitest";
import { join, refusal } from "../helpers/client.ts";
import { ask, rawRequest } from "../helpers/raw-http.ts";
import { sh } from "../helpers/programs.ts";
import { startServer, type TestServer } from "../helpers/server.ts";
import { until } from "../helpers/until.ts";

test("open rooms are listed, each with its name, its connections and its metadata", async () => {
  await using server = await startServer(["--api", "cat"]);
  expect(await get(server, "/api/rooms/")).toEqual({ status: 200, value: [] });
  await using first = await join(server, "lobby");
  await using second = await join(server, "lobby");
  await using third = await join(server, "__proto__");
  const lobby = { name: "lobby", connections: 2, metadata: null };
  const proto = { name: "__proto__", connections: 1, metadata: null };
  for (const path of ["/api/rooms/", "/api/rooms", "/api/rooms/?a=b"]) {
    expect(await get(server, path)).toEqual({ status: 200, value: [proto, lobby] });
  }
  for (const path of ["/api/lobby/", "/api/lobby", "/api/l%6Fbby/", "/%61pi/lobby"]) {
    expect(await get(server, path)).toEqual({ status: 200, value: lobby });
  }
  expect(await get(server, "/api/__proto__/")).toEqual({ status: 200, value: proto });
  for (const { received } of [first, second, third]) expect(received).toEqual([]);
});

test("what the process says of its room with _meta last is its metadata", async () => {
  const lines = [
    '{"_meta":true,"topic":"draughts","open":true}',
    '{"_meta":true,"topic":"chess","seats":[1,2]}',
    "ready",
  ];
  const script = `${lines.map((line) => `echo '${line}'`).join("; ")}; cat`;
  await using server = await startServer(["--api", "--frame=json", ...sh(script)]);
  await using client = await join(server, "room");
  expect(await client.messages(1)).toEqual(["ready"]);
  const value = { topic: "chess", seats: [1, 2] };
  expect(await get(server, "/api/room/metadata")).toEqual({ status: 200, value });
  expect(await get(server, "/api/room/")).toEqual({
    status: 200,
    value: { name: "room", connections: 1, metadata: value },
  });
});

test("single values can be asked for", async () => {
  await using server = await startServer(["--api", "cat"]);
  await using client = await join(server, "room");
  expect(await get(server, "/api/room/connections")).toEqual({ status: 200, value: 1 });
  expect(await get(server, "/api/room/connections/")).toEqual({ status: 200, value: 1 });
  expect(await get(server, "/api/room/metadata")).toEqual({ status: 200, value: null });
  expect(await get(server, "/api/room/name")).toEqual({ status: 200, value: "room" });
  for (const value of ["joined", "__proto__", "toString", "connections/more"]) {
    expect((await server.http(`/api/room/${value}`)).status).toBe(404);
  }
  expect(client.received).toEqual([]);
});

test("answers are JSON that nobody may keep, and HEAD gets their headers", async () => {
  await using server = await startServer(["--api", "cat"]);
  const asked = await ask(server.port, rawRequest("/api/rooms/"));
  const head = await ask(server.port, rawRequest("/api/rooms/", {}, "HEAD"));
  expect(asked).toMatchObject({ status: 200, body: "[]" });
  for (const { headers } of [asked, head]) {
    expect(headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("content-length")).toBe("2");
  }
  expect(head).toMatchObject({ status: 200, body: "" });
  expect((await server.http("/api/rooms/", { method: "POST" })).status).toBe(405);
});

test("reading creates nothing, and rooms that are gone are not found", async () => {
  await using server = await startServer(["--api", "--maxrooms", "1", "cat"]);
  for (const path of ["/api/elsewhere/", "/api/elsewhere/connections", "/api/constructor/", "/api/a%2Fb/", "/api/"]) {
    expect((await server.http(path)).status).toBe(404);
  }
  expect((await ask(server.port, rawRequest("/api//connections"))).status).toBe(404);
  expect((await ask(server.port, rawRequest("/api/%ff/"))).status).toBe(400);
  expect(await get(server, "/api/rooms/")).toEqual({ status: 200, value: [] });
  const client = await join(server, "room");
  expect((await server.http("/api/room/")).status).toBe(200);
  client.socket.close();
  await until(async () => (await server.http("/api/room/")).status === 404, "the room to be gone");
});

test("a room that is called rooms is listed, and its values can be asked for", async () => {
  await using server = await startServer(["--api", "cat"]);
  await using client = await join(server, "rooms");
  const rooms = { name: "rooms", connections: 1, metadata: null };
  expect(await get(server, "/api/rooms/")).toEqual({ status: 200, value: [rooms] });
  expect(await get(server, "/api/rooms/connections")).toEqual({ status: 200, value: 1 });
  expect(client.received).toEqual([]);
});

test("a room without clients that lingers is open", async () => {
  await using server = await startServer(["--api", "--linger", "60", "cat"]);
  const client = await join(server, "room");
  client.socket.close();
  await until(async () => (await (await server.http("/api/room/connections")).text()) === "0", "nobody to be in");
});

test("without --api there is none, and no room can be called api", async () => {
  await using without = await startServer(["cat"]);
  await using client = await join(without, "room");
  client.send("here");
  await client.messages(1);
  expect((await without.http("/api/rooms/")).status).toBe(404);
  expect((await without.http("/api/room/")).status).toBe(404);
  await using server = await startServer(["--api", "cat"]);
  expect(await refusal(server, "api/rooms/")).toMatchObject({ status: 400, body: 'room name "api" is reserved\n' });
});

async function get(server: TestServer, path: string): Promise<{ status: number; value: unknown }> {
  const response = await server.http(path);
  return { status: response.status, value: await response.json() };
}
