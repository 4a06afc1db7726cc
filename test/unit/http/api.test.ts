import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { Api } from "../../../src/http/api.ts";
import type { RoomSummary } from "../../../src/room/room-summary.ts";

const metadata = '{"players":12345678901234567890,"name":"\\u0041"}';
const rooms: readonly RoomSummary[] = [
  { name: 'a"b', connections: 1, joined: 3, metadata },
  { name: "c", connections: 0, joined: 1, metadata: undefined },
];

test.each([
  ["/rooms/", `[{"name":"a\\"b","connections":1,"metadata":${metadata}},{"name":"c","connections":0,"metadata":null}]`],
  ['/a"b', `{"name":"a\\"b","connections":1,"metadata":${metadata}}`],
  ['/a"b/metadata', metadata],
  ["/c/metadata", "null"],
  ["/c/connections", "0"],
])("%s is answered with the metadata as the process wrote it", async (path, body) => {
  const api = new Api({ find: async (name) => rooms.find((room) => room.name === name), list: async () => rooms });
  expect(await answerOf(api, path)).toBe(body);
});

async function answerOf(api: Api, path: string): Promise<string> {
  const server = createServer((_request, response) => void api.answer(path, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    return await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)).text();
  } finally {
    server.close();
    server.closeAllConnections();
  }
}
