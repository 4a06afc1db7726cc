import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { join } from "../helpers/client.ts";
import { gwsocketMessage } from "../helpers/framing.ts";
import { dropped, metric } from "../helpers/metrics.ts";
import { processEnded } from "../helpers/noticed.ts";
import { peakMemoryMiB } from "../helpers/processes.ts";
import { node, sh } from "../helpers/programs.ts";
import { startServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";
import { expectWritten } from "../helpers/written.ts";

const allBytes = Buffer.from(Array.from({ length: 256 }, (_each, byte) => byte));

describe.concurrent("messages without framing", () => {
  test("a client's message reaches the process with a newline behind it, whatever its type", async () => {
    await using folder = await tempFolder();
    await using server = await startServer(sh('tee "$1"', folder.at("input")));
    await using client = await join(server, "a");
    client.send("text \u00e9");
    client.send(Buffer.from([0xff, 0x00]));
    client.send("");
    client.send("end");
    await client.messages(4);
    await expectWritten(folder.at("input"), Buffer.from("text \u00c3\u00a9\n\u00ff\u0000\n\nend\n", "latin1"));
  });

  test("each line is one text message to every client, without its line end", async () => {
    await using server = await startServer(node("say.mjs"));
    await using first = await join(server, "a");
    await using second = await join(server, "a");
    first.send(hex("one\ntwo\r\n\n\r\nin\rside\n\u0000 \u2028 \u{1f600}\nlast\r\n"));
    const expected = ["one", "two", "", "", "in\rside", "\u0000 \u2028 \u{1f600}", "last"];
    expect(await first.messages(expected.length)).toEqual(expected);
    expect(await second.messages(expected.length)).toEqual(expected);
  });

  test("a last line without an end counts", async () => {
    await using server = await startServer(sh("printf 'whole\\nhalf'"));
    await using client = await join(server, "a");
    await client.closed;
    expect(client.received).toEqual(["whole", "half"]);
  });

  test.each([0, 1])("large messages that come at the same time do not mix, with %d workers", async (workers) => {
    await using server = await startServer(["--workers", String(workers), "--maxline", "1M", "cat"]);
    const talk = async (number: number): Promise<void> => {
      await using client = await join(server, `room-${number}`);
      const messages = Array.from({ length: 8 }, (_, index) => `${number}.${index},`.repeat(50_000));
      for (const message of messages) client.send(message);
      // Compared as one truth: what differs is too long to be shown.
      expect((await client.messages(8)).every((text, index) => text === messages[index])).toBe(true);
    };
    await Promise.all(Array.from({ length: 6 }, (_, number) => talk(number)));
  });

  test("lines may be cut anywhere, also inside of a character or a line end", async () => {
    await using server = await startServer(node("say.mjs"));
    await using client = await join(server, "a");
    for (const byte of Buffer.from("\u00e9\u20ac\u{1f600}\r\n\u00fc\n")) client.send(hex(Buffer.of(byte)));
    expect(await client.messages(2)).toEqual(["\u00e9\u20ac\u{1f600}", "\u00fc"]);
  });

  test("a line that is not UTF-8 goes out as a binary message, and those around it as text", async () => {
    await using server = await startServer(node("say.mjs"));
    await using client = await join(server, "a");
    const broken = Buffer.from("half \u00e9").subarray(0, -1);
    client.send(hex(Buffer.concat([Buffer.from("before\n"), broken, Buffer.from("\r\nafter\n")])));
    expect(await client.messages(3)).toEqual(["before", broken, "after"]);
  });

  test("a line of 5 MB is one message", async () => {
    await using server = await startServer(sh("head -c 5000000 /dev/zero | tr '\\0' x; echo; echo end"));
    await using client = await join(server, "a");
    await client.closed;
    expect(client.received.map((message) => message.length)).toEqual([5_000_000, 3]);
    expect(client.received[0] === "x".repeat(5_000_000)).toBe(true);
  });

  test("a million lines reach two clients whole and in order, in little memory", async () => {
    await using server = await startServer(sh("read -r _; seq 1000000"));
    await using first = await join(server, "a");
    await using second = await join(server, "a");
    first.send("go");
    for (const client of [first, second]) {
      expect(await client.closed).toMatchObject({ code: 1000 });
      expect(client.received.length).toBe(1_000_000);
      expect(client.received.findIndex((message, index) => message !== String(index + 1))).toBe(-1);
    }
    expect(peakMemoryMiB(server.pid)).toBeLessThan(150);
  });
});

describe.concurrent("--binary", () => {
  test("what clients send is written as it is, and what is read is sent as binary messages", async () => {
    await using folder = await tempFolder();
    await using server = await startServer(["--binary", ...sh('tee "$1"', folder.at("input"))]);
    await using client = await join(server, "a");
    await using other = await join(server, "a");
    client.send(allBytes);
    client.send("text");
    const expected = Buffer.concat([allBytes, Buffer.from("text")]);
    for (const { received } of [client, other]) {
      await until(() => bytesOf(received).length >= expected.length, "the bytes to come back");
      expect(received.every((message) => Buffer.isBuffer(message))).toBe(true);
      expect(bytesOf(received)).toEqual(expected);
    }
    await expectWritten(folder.at("input"), expected);
  });

  test("bytes are sent as they come, without waiting for a line's end", async () => {
    await using server = await startServer(["-b", ...sh("printf half; cat")]);
    await using client = await join(server, "a");
    expect(await client.messages(1)).toEqual([Buffer.from("half")]);
  });
});

describe.concurrent("--frame=json", () => {
  test("the process reads each message on one line, with the client's id as its only id", async () => {
    await using folder = await tempFolder();
    await using server = await startServer(["--frame=json", ...sh('tee "$1"', folder.at("input"))]);
    await using first = await join(server, "a");
    await using second = await join(server, "a");
    const cases = [
      ['{"a":1}', '{"id":2,"a":1}'],
      ["{}", '{"id":2}'],
      ['{"id":1,"a":1}', '{"id":2,"a":1}'],
      ['{"a":1,"id":1}', '{"id":2,"a":1}'],
      [String.raw`{"\u0069d":1,"a":{"id":1}}`, '{"id":2,"a":{"id":1}}'],
      [String.raw`{"id":1,"i\u0064":[1,{"id":1}],"\u0069\u0064":"1"}`, '{"id":2}'],
      ['{"n":12345678901234567890,"e":1.0e+2}', '{"id":2,"n":12345678901234567890,"e":1.0e+2}'],
      ['{"__proto__":{"id":1}}', '{"id":2,"__proto__":{"id":1}}'],
      ['{"a":\n1,\r\n"b":"\\n"}', '{"id":2,"a": 1,  "b":"\\n"}'],
    ] as const;
    for (const [message] of cases) second.send(message);
    const expected = cases.map(([, line]) => line);
    expect(await second.messages(cases.length)).toEqual(expected);
    await expectWritten(folder.at("input"), `${expected.join("\n")}\n`);
    first.send("{}");
    expect(await first.messages(1)).toEqual(['{"id":1}']);
  });

  test("anything but a JSON object is dropped, counted and logged, and the client stays", async () => {
    await using server = await startServer(["--frame=json", "--metrics", "cat"]);
    await using client = await join(server, "a");
    const unusable = ["hello", "", "1", "null", "[]", '"id"', '{"a":1', '{"a":1}{}', "{'a':1}", '{"a":01}'];
    for (const message of unusable) client.send(message);
    client.send(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]));
    client.send('{"a":1}');
    expect(await client.messages(1)).toEqual(['{"id":1,"a":1}']);
    expect(await dropped(server, "not_json_object")).toBe(unusable.length + 1);
    await until(() => /warn .*not a JSON object.* room=a connection=1/.test(server.log()), "the log");
  });

  test("a line goes to the client that its id names, and unchanged", async () => {
    await using server = await startServer(["--frame=json", "--metrics", ...node("say.mjs")]);
    await using first = await join(server, "a");
    await using second = await join(server, "a");
    await using gone = await join(server, "a");
    await using stranger = await join(server, "b");
    await gone[Symbol.asyncDispose]();
    await until(async () => (await metric(server, 'scalesocket_websocket_connections_open{room="a"}')) === 2);
    const forFirst = ['{"id":1,"n":12345678901234567890}', ' { "a" : 1.0 , "id" : 1 } '];
    const forSecond = ['{"id":2}', String.raw`{"a":{"id":1},"\u0069d":2}`];
    const forAll = ["{}", '{"id":null,"a":"\\u00e9"}', '{"a":{"id":1}}', "[1]", "plain", "", '{"id":1', "id"];
    const forNobody = ['{"id":3}', '{"id":4}', '{"id":99}'];
    const unusable = ['{"id":"1"}', '{"id":0}', '{"id":-1}', '{"id":1.5}', '{"id":true}', '{"id":["1"]}', '{"id":{}}'];
    const lines = [...forFirst, ...forSecond, ...forAll, ...forNobody, ...unusable, "end"];
    first.send(JSON.stringify({ hex: hex(`${lines.join("\n")}\n`) }));
    const common = [...forAll, "end"];
    expect(await first.messages(forFirst.length + common.length)).toEqual([...forFirst, ...common]);
    expect(await second.messages(forSecond.length + common.length)).toEqual([...forSecond, ...common]);
    expect(stranger.received).toEqual([]);
    expect(await dropped(server, "invalid_id")).toBe(unusable.length);
    expect(await dropped(server, "recipient_gone")).toBe(forNobody.length);
    await until(() => /warn .*id in a message of the process.* room=a/.test(server.log()), "the log");
  });

  test("private and common messages of one chunk keep their order for everybody", async () => {
    await using server = await startServer(["--frame=json", ...node("say.mjs")]);
    await using first = await join(server, "a");
    await using second = await join(server, "a");
    const lines = Array.from({ length: 300 }, (_each, index) => {
      const to = index % 3;
      return to === 0 ? `{"n":${index}}` : `{"n":${index},"id":${to}}`;
    });
    first.send(JSON.stringify({ hex: hex(`${lines.join("\n")}\n`) }));
    const expected = (id: number): string[] => lines.filter((_line, index) => index % 3 === 0 || index % 3 === id);
    expect(await first.messages(200)).toEqual(expected(1));
    expect(await second.messages(200)).toEqual(expected(2));
  });
});

describe.concurrent("--frame=binary", () => {
  test("the process reads a header before each message, and its answer is private and of the same type", async () => {
    await using folder = await tempFolder();
    await using server = await startServer(["--frame", ...sh('tee "$1"', folder.at("input"))]);
    await using first = await join(server, "a");
    await using second = await join(server, "a");
    second.send("text \u00e9\n");
    second.send(allBytes);
    second.send("");
    second.send(Buffer.alloc(0));
    expect(await second.messages(4)).toEqual(["text \u00e9\n", allBytes, "", Buffer.alloc(0)]);
    await expectWritten(
      folder.at("input"),
      Buffer.concat([
        gwsocketMessage(2, 1, "text \u00e9\n"),
        gwsocketMessage(2, 2, allBytes),
        gwsocketMessage(2, 1, ""),
        gwsocketMessage(2, 2, ""),
      ]),
    );
    first.send("mine");
    expect(await first.messages(1)).toEqual(["mine"]);
  });

  test("id 0 goes to all, another id to that client alone, and the type chooses the kind of message", async () => {
    await using server = await startServer(["--frame=binary", "--metrics", ...node("unwrap.mjs")]);
    await using first = await join(server, "a");
    await using second = await join(server, "a");
    const output = [
      gwsocketMessage(0, 1, "to all"),
      gwsocketMessage(1, 2, allBytes),
      gwsocketMessage(2, 1, "to the second"),
      gwsocketMessage(9, 1, "to nobody"),
      gwsocketMessage(0, 2, ""),
    ];
    first.send(Buffer.concat(output));
    expect(await first.messages(3)).toEqual(["to all", allBytes, Buffer.alloc(0)]);
    expect(await second.messages(3)).toEqual(["to all", "to the second", Buffer.alloc(0)]);
    expect(await dropped(server, "recipient_gone")).toBe(1);
  });

  test("messages may come in any number of pieces", async () => {
    await using server = await startServer(["--frame=binary", ...node("unwrap.mjs")]);
    await using client = await join(server, "a");
    const output = Buffer.concat([
      gwsocketMessage(0, 1, "\u00e9"),
      gwsocketMessage(1, 2, ""),
      gwsocketMessage(1, 1, "x"),
    ]);
    for (const byte of output) client.send(Buffer.of(byte));
    expect(await client.messages(3)).toEqual(["\u00e9", Buffer.alloc(0), "x"]);
  });

  test("messages of an unknown type and texts that are not UTF-8 are skipped and counted", async () => {
    await using server = await startServer(["--frame=binary", "--metrics", ...node("unwrap.mjs")]);
    await using client = await join(server, "a");
    const output = [
      gwsocketMessage(0, 3, "ping"),
      gwsocketMessage(0, 0, ""),
      gwsocketMessage(0, 1, "good"),
      gwsocketMessage(0, 1, Buffer.of(0xc3)),
      gwsocketMessage(0, 2, Buffer.of(0xc3)),
    ];
    client.send(Buffer.concat(output));
    expect(await client.messages(2)).toEqual(["good", Buffer.of(0xc3)]);
    expect(await dropped(server, "unknown_type")).toBe(2);
    expect(await dropped(server, "invalid_utf8")).toBe(1);
  });

  test("a length beyond --maxmessage ends the process and closes its clients with 1011 and the reason", async () => {
    await using server = await startServer(["--frame=binary", "--maxmessage", "1K", ...node("unwrap.mjs")]);
    await using first = await join(server, "a");
    await using second = await join(server, "a");
    const largest = "x".repeat(1024);
    first.send(gwsocketMessage(0, 1, largest).subarray(0, 1000));
    first.send(gwsocketMessage(0, 1, largest).subarray(1000));
    expect(await second.messages(1)).toEqual([largest]);
    first.send(
      Buffer.concat([gwsocketMessage(0, 1, "last"), gwsocketMessage(0, 1, "", 1025), gwsocketMessage(0, 1, "no")]),
    );
    for (const client of [first, second]) {
      const { code, reason } = await client.closed;
      expect({ code, reason }).toEqual({
        code: 1011,
        reason: "process announced a message of 1025 bytes, more than 1024",
      });
      expect(client.received).toEqual([largest, "last"]);
    }
    await processEnded(server);
    await using next = await join(server, "a");
    next.send(gwsocketMessage(0, 1, "anew"));
    expect(await next.messages(1)).toEqual(["anew"]);
  });
});

describe.concurrent("join and leave messages", () => {
  const noticed = ["--joinmsg", '{"join":#ID}', "--leavemsg", '{"leave":#ID}'];

  test.each([
    ["without framing", [], '{"join":1}\n{"a":1}\n{"leave":1}\n'],
    ["with --binary", ["--binary"], '{"join":1}{"a":1}{"leave":1}'],
    ["with --frame=json", ["--frame=json"], '{"join":1}\n{"id":1,"a":1}\n{"leave":1}\n'],
    [
      "with --frame=binary",
      ["--frame=binary"],
      ['{"join":1}', '{"a":1}', '{"leave":1}'].map((text) => gwsocketMessage(1, 1, text).toString()).join(""),
    ],
  ] as const)("are the first and the last that the process hears of a client, %s", async (_, words, expected) => {
    await using folder = await tempFolder();
    await using server = await startServer([...noticed, ...words, ...sh('cat > "$1"', folder.at("input"))]);
    await using client = await join(server, "a");
    client.send('{"a":1}');
    client.socket.close();
    await processEnded(server);
    expect(readFileSync(folder.at("input"), "utf8")).toBe(expected);
  });

  test("clients that come and go are told of to a process that goes on", async () => {
    await using server = await startServer([...noticed, "cat"]);
    await using stays = await join(server, "a");
    await using orderly = await join(server, "a");
    await stays.messages(2);
    orderly.send("bye");
    orderly.socket.close();
    await stays.messages(4);
    await using cut = await join(server, "a");
    await cut.messages(1);
    cut.socket.terminate();
    const heard = ['{"join":1}', '{"join":2}', "bye", '{"leave":2}', '{"join":3}', '{"leave":3}'];
    expect(await stays.messages(6)).toEqual(heard);
  });

  test("names are replaced in one pass, the longest first, by what concerns each client", async () => {
    const message =
      "#ID #IDLE #ROOM #QUERY_A #QUERY_AB #QUERY_MISSING| #REMOTE_ADDR #HTTP_X_NAME #QUERY_STRING #UNKNOWN";
    await using server = await startServer(["--joinmsg", message, "cat"]);
    await using client = await join(server, "r:1?a=%23ID&AB=2&a=3&c=+%25", { headers: { "X-Name": "#ROOM" } });
    const expected = "1 1LE r:1 %23ID 2 | 127.0.0.1 %23ROOM a=%23ID&AB=2&a=3&c=+%25 #UNKNOWN";
    expect(await client.messages(1)).toEqual([expected]);
    await using other = await join(server, "r:1?ab=%26");
    expect(await other.messages(1)).toEqual(["2 2LE r:1  %26 | 127.0.0.1  ab=%26 #UNKNOWN"]);
  });

  test("no client can break out of what stands around its values, or write a line of its own", async () => {
    const message = '{"name":"#QUERY_NAME","room":"#ROOM","agent":"#HTTP_USER_AGENT","query":"#QUERY_STRING"}';
    await using server = await startServer(["--joinmsg", message, "cat"]);
    const hostile = '"}\n{"admin":true}\r\\ \u00e9\u0000&=%';
    await using client = await join(server, `a$(x)?name=${encodeURIComponent(hostile)}&"quote'<`, {
      headers: { "User-Agent": '"}{"\\' },
    });
    const [line] = await client.messages(1);
    const { name, room, agent, query } = JSON.parse(String(line)) as Record<string, string>;
    expect([name, room, agent].map((value) => decodeURIComponent(value ?? ""))).toEqual([hostile, "a$(x)", '"}{"\\']);
    for (const value of [name, room, agent]) expect(value).toMatch(/^[A-Za-z0-9._~:%-]*$/);
    expect(query).toMatch(/^[A-Za-z0-9._~:%&=+-]*$/);
    client.send("next");
    expect((await client.messages(2))[1]).toBe("next");
  });
});

/** What test/programs/say.mjs is to write. */
function hex(bytes: string | Buffer): string {
  return Buffer.from(bytes).toString("hex");
}

function bytesOf(received: readonly (string | Buffer)[]): Buffer {
  return Buffer.concat(received.map((message) => Buffer.from(message)));
}
