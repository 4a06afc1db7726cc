import { expect, test } from "vitest";
import { join } from "../helpers/client.ts";
import { startServer } from "../helpers/server.ts";
import { wholeLog } from "../helpers/whole-log.ts";

test("--compat 0.2 --json says who sent a message in _from, routes by _to, and tells of who joins and leaves", async () => {
  await using server = await startServer(["--compat", "0.2", "--json", "cat"]);
  await using first = await join(server, "room");
  expect(await first.messages(1)).toEqual(['{"t":"Join","_from":1}']);
  const second = await join(server, "room");
  await second.messages(1);
  second.send('{"_from":9,"id":7,"a":1}');
  expect((await first.messages(3)).slice(1)).toEqual(['{"t":"Join","_from":2}', '{"_from":2,"id":7,"a":1}']);
  second.send('{"_to":1,"secret":true}');
  expect((await first.messages(4)).at(-1)).toBe('{"_from":2,"_to":1,"secret":true}');
  second.send('{"last":true}');
  expect((await second.messages(3)).slice(1)).toEqual(['{"_from":2,"id":7,"a":1}', '{"_from":2,"last":true}']);
  second.socket.close();
  expect((await first.messages(6)).at(-1)).toBe('{"t":"Leave","_from":2}');
  expect(server.log()).toMatch(/listening on/);
  expect(server.log()).not.toContain('"msg"');
});

test("--compat 0.2 reads --frame alone as json", async () => {
  await using server = await startServer(["--compat", "0.2", "--frame", "cat"]);
  await using client = await join(server, "room");
  client.send("{}");
  expect(await client.messages(1)).toEqual(['{"_from":1}']);
});

test("--compat 0.2 alone leaves lines as they are", async () => {
  await using server = await startServer(["--compat", "0.2", "cat"]);
  await using client = await join(server, "room");
  client.send("no JSON");
  client.send('{"_to":9}');
  expect(await client.messages(2)).toEqual(["no JSON", '{"_to":9}']);
});

test.each([
  ["in front of it", ["--json", "cat", "--compat", "0.2"], {}],
  ["in the environment", ["cat"], { SCALESOCKET_JSON: "1", SCALESOCKET_COMPAT: "0.2" }],
])("--compat 0.2 holds for what stands %s, too", async (_where, words, env) => {
  await using server = await startServer(words, { env });
  await using client = await join(server, "room");
  expect(await client.messages(1)).toEqual(['{"t":"Join","_from":1}']);
  expect(await wholeLog(server)).not.toContain('"msg"');
});
