import { describe, expect, test } from "vitest";
import { join, type TestClient } from "../helpers/client.ts";
import { gwsocketMessage } from "../helpers/framing.ts";
import { dropped } from "../helpers/metrics.ts";
import { processEnded } from "../helpers/noticed.ts";
import { node, sh } from "../helpers/programs.ts";
import { startServer, type TestServer } from "../helpers/server.ts";
import { until } from "../helpers/until.ts";

/** What makes test/programs/say.mjs write these lines in one piece. */
function say(client: TestClient, ...lines: readonly string[]): void {
  client.send(JSON.stringify({ hex: Buffer.from(`${lines.join("\n")}\n`).toString("hex") }));
}

/** Clients 1, 2 and 3 of a room. */
async function joinThree(server: TestServer): Promise<[TestClient, TestClient, TestClient]> {
  const first = await join(server, "a");
  const second = await join(server, "a");
  return [first, second, await join(server, "a")];
}

/** All codes that a process may close clients with, at the borders of what is free for everybody to use. */
const usableCodes = [1000, 1008, 1011, 1012, 1013, 3000, 4999];
const otherCodes = [0, 999, 1001, 1002, 1003, 1004, 1005, 1006, 1007, 1009, 1010, 1014, 1015, 2999, 5000, 65_535];

/** As many clients of a room as there are usable codes, and one more that stays. */
async function joinForCodes(server: TestServer): Promise<TestClient[]> {
  const clients: TestClient[] = [];
  while (clients.length <= usableCodes.length) clients.push(await join(server, "a"));
  return clients;
}

describe.concurrent("a process with JSON framing", () => {
  test("writes to a list of clients, or to all but one", async () => {
    await using server = await startServer(["--frame=json", "--metrics", ...node("say.mjs")]);
    const [first, second, third] = await joinThree(server);
    const lines = ['{"_to":[1,3]}', '{"id":[2,3,9]}', '{"_except":2}', '{"_to":[]}', '{"_except":[1,2]}', '{"end":1}'];
    say(first, ...lines);
    expect(await first.messages(3)).toEqual([lines[0], lines[2], lines[5]]);
    expect(await second.messages(2)).toEqual([lines[1], lines[5]]);
    expect(await third.messages(5)).toEqual([lines[0], lines[1], lines[2], lines[4], lines[5]]);
    expect(await dropped(server, "recipient_gone")).toBe(1);
  });

  test("shows nobody a message whose recipients are of another kind or told in two ways", async () => {
    await using server = await startServer(["--frame=json", "--metrics", ...node("say.mjs")]);
    const [first, second] = await joinThree(server);
    const unusable = [
      '{"_to":["1"]}',
      '{"_to":[1,0]}',
      '{"id":[[1]]}',
      '{"_except":"2"}',
      '{"_except":0}',
      '{"_to":{}}',
    ];
    const twice = ['{"id":1,"_to":[2]}', '{"_to":1,"_except":2}', String.raw`{"_except":1,"_\u0065xcept":2}`];
    say(first, ...unusable, ...twice, '{"end":1}');
    expect(await first.messages(1)).toEqual(['{"end":1}']);
    expect(await second.messages(1)).toEqual(['{"end":1}']);
    expect(await dropped(server, "invalid_id")).toBe(unusable.length + twice.length);
  });

  test("closes one client with a code and a reason, behind what it said before", async () => {
    await using server = await startServer(["--frame=json", ...node("say.mjs")]);
    const [first, second] = await joinThree(server);
    say(first, '{"n":1}', '{"id":2,"n":2}', '{"id":2,"_close":4001,"_reason":"kicked"}', '{"id":2,"n":3}', '{"n":4}');
    expect(await second.closed).toEqual({ code: 4001, reason: "kicked" });
    expect(second.received).toEqual(['{"n":1}', '{"id":2,"n":2}']);
    expect(await first.messages(2)).toEqual(['{"n":1}', '{"n":4}']);
  });

  test("gets out all of a long output before a close", async () => {
    const script = `read -r _; seq -f '{"n":%.0f}' 200000; echo '{"_close":4001,"_reason":"that is all"}'; cat`;
    await using server = await startServer(["--frame=json", ...sh(script)]);
    const [first, second] = await joinThree(server);
    first.send("{}");
    for (const client of [first, second]) {
      expect(await client.closed).toEqual({ code: 4001, reason: "that is all" });
      expect(client.received).toHaveLength(200_000);
      expect(client.received.at(-1)).toBe('{"n":200000}');
    }
  });

  test("closes all clients, and is then ended as after any last one", async () => {
    await using server = await startServer(["--frame=json", ...node("say.mjs")]);
    const clients = await joinThree(server);
    say(clients[0], '{"_close":1012}');
    for (const client of clients) {
      expect(await client.closed).toEqual({ code: 1012, reason: "" });
    }
    await processEnded(server);
    await using next = await join(server, "a");
    say(next, '{"hello":4}');
    expect(await next.messages(1)).toEqual(['{"hello":4}']);
  });

  test("closes a list of clients, or all but one", async () => {
    await using server = await startServer(["--frame=json", ...node("say.mjs")]);
    const [first, second, third] = await joinThree(server);
    say(first, '{"_to":[2,9],"_close":4002}', '{"_except":3,"_close":4003}', '{"end":1}');
    expect((await second.closed).code).toBe(4002);
    expect((await first.closed).code).toBe(4003);
    expect(await third.messages(1)).toEqual(['{"end":1}']);
  });

  test("closes with all codes that are its own", async () => {
    await using server = await startServer(["--frame=json", ...node("say.mjs")]);
    const [first, ...others] = (await joinForCodes(server)) as [TestClient, ...TestClient[]];
    say(first, ...usableCodes.map((code, index) => `{"id":${index + 2},"_close":${code}}`));
    const closings = await Promise.all(others.map(({ closed }) => closed));
    expect(closings.map(({ code }) => code)).toEqual(usableCodes);
  });

  test("cannot close with codes that are not its own, or with a reason that is no text", async () => {
    await using server = await startServer(["--frame=json", "--metrics", ...node("say.mjs")]);
    const [first, second] = await joinThree(server);
    const codes = [...otherCodes.map(String), "-1000", '"4001"', "true", "4001.5"];
    const lines = codes.map((code) => `{"id":2,"_close":${code}}`);
    say(first, ...lines, '{"id":2,"_close":4001,"_reason":7}', '{"end":1}');
    expect(await second.messages(1)).toEqual(['{"end":1}']);
    expect(await dropped(server, "invalid_close")).toBe(codes.length + 1);
    await until(() => /warn .*close.* room=a/.test(server.log()), "the log");
    expect(first.received).toEqual(['{"end":1}']);
  });

  test("closes with a reason of any length, cut at a character", async () => {
    await using server = await startServer(["--frame=json", ...node("say.mjs")]);
    const [first, second] = await joinThree(server);
    say(first, `{"id":2,"_close":4999,"_reason":"x${"\u00e9".repeat(100)}"}`);
    expect(await second.closed).toEqual({ code: 4999, reason: `x${"\u00e9".repeat(61)}` });
  });

  test("keeps its metadata to itself", async () => {
    await using server = await startServer(["--frame=json", ...node("say.mjs")]);
    await using client = await join(server, "a");
    say(client, '{"_meta":true,"topic":"x"}', String.raw`{"_met\u0061":true}`, '{"_meta":false}');
    expect(await client.messages(1)).toEqual(['{"_meta":false}']);
  });
});

/** Asks to close a client, or all with the id 0, in binary framing. */
function closeMessage(id: number, code: number, reason: Buffer | string): Buffer {
  return gwsocketMessage(id, 8, Buffer.concat([Buffer.of(code >> 8, code & 0xff), Buffer.from(reason)]));
}

describe.concurrent("a process with binary framing", () => {
  test("may use the same codes", async () => {
    await using server = await startServer(["--frame=binary", "--metrics", ...node("unwrap.mjs")]);
    const [first, ...others] = (await joinForCodes(server)) as [TestClient, ...TestClient[]];
    const unusable = otherCodes.map((code) => closeMessage(2, code, ""));
    const usable = usableCodes.map((code, index) => closeMessage(index + 2, code, ""));
    first.send(Buffer.concat([...unusable, ...usable]));
    const closings = await Promise.all(others.map(({ closed }) => closed));
    expect(closings.map(({ code }) => code)).toEqual(usableCodes);
    expect(await dropped(server, "invalid_close")).toBe(otherCodes.length);
  });

  test("closes one client or all with messages of type 8", async () => {
    await using server = await startServer(["--frame=binary", "--metrics", ...node("unwrap.mjs")]);
    const [first, second, third] = await joinThree(server);
    first.send(
      Buffer.concat([
        gwsocketMessage(0, 1, "before"),
        closeMessage(2, 4001, "kicked \u00e9"),
        closeMessage(2, 4001, "again"),
        closeMessage(3, 1006, ""),
        closeMessage(3, 4001, Buffer.of(0xff)),
        gwsocketMessage(3, 8, Buffer.of(0x0f)),
        gwsocketMessage(0, 1, "after"),
        closeMessage(0, 1000, ""),
      ]),
    );
    expect(await second.closed).toEqual({ code: 4001, reason: "kicked \u00e9" });
    expect(second.received).toEqual(["before"]);
    for (const client of [first, third]) {
      expect(await client.closed).toEqual({ code: 1000, reason: "" });
      expect(client.received).toEqual(["before", "after"]);
    }
    expect(await dropped(server, "recipient_gone")).toBe(1);
    expect(await dropped(server, "invalid_close")).toBe(2);
    expect(await dropped(server, "invalid_utf8")).toBe(1);
  });
});
