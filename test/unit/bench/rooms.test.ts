import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { WebSocketServer } from "ws";
import { Dialer } from "../../../bench/client/dialer.ts";
import { rooms } from "../../../bench/generator/rooms.ts";

test("a room that says something else is named, also while others are opened", async () => {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  server.on("connection", (socket, { url }) => socket.send(url === "/room-2" ? "goodbye" : "hello"));
  const dialer = new Dialer("127.0.0.1", (server.address() as AddressInfo).port);
  await expect(rooms({ kind: "rooms", rooms: 5, atOnce: 5 }, dialer)).rejects.toThrow('room 2 said "goodbye" first');
  server.close();
});
