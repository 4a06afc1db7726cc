import { describe, expect, test } from "vitest";
import { join } from "../helpers/client.ts";
import { gwsocketMessage } from "../helpers/framing.ts";
import { dropped } from "../helpers/metrics.ts";
import { node, sh } from "../helpers/programs.ts";
import { runToEnd, startServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { expectWritten } from "../helpers/written.ts";

describe.concurrent("delimiters", () => {
  test("any of --delimiters ends a message of the process, and the first of them what clients say", async () => {
    await using folder = await tempFolder();
    const words = [
      String.raw`--delimiters=;\r\x1e`,
      ...sh('printf "one;two\\rthree\\036four\\n;"; tee "$1"', folder.at("input")),
    ];
    await using server = await startServer(words);
    await using client = await join(server, "a");
    expect(await client.messages(4)).toEqual(["one", "two", "three", "four\n"]);
    client.send("said");
    client.send("");
    expect((await client.messages(6)).slice(4)).toEqual(["said", ""]);
    await expectWritten(folder.at("input"), "said;;");
  });

  test("with --null messages may hold newlines, both ways", async () => {
    await using folder = await tempFolder();
    await using server = await startServer(["--null", ...sh('printf "a\\nb\\r\\n\\0"; tee "$1"', folder.at("input"))]);
    await using client = await join(server, "a");
    client.send("two\nlines");
    expect(await client.messages(2)).toEqual(["a\nb\r\n", "two\nlines"]);
    await expectWritten(folder.at("input"), "two\nlines\0");
  });

  test("JSON may stand between them too", async () => {
    await using folder = await tempFolder();
    const words = ["--null", "--frame=json", "--joinmsg", "JOIN #ID", ...sh('tee "$1"', folder.at("input"))];
    await using server = await startServer(words);
    await using client = await join(server, "a");
    client.send('{"a":\n1}');
    client.send("no JSON");
    client.send("{}");
    expect(await client.messages(3)).toEqual(["JOIN 1", '{"id":1,"a": 1}', '{"id":1}']);
    await expectWritten(folder.at("input"), 'JOIN 1\0{"id":1,"a": 1}\0{"id":1}\0');
  });

  test.each([
    [["--binary", "--null"], "--null has no meaning with --binary"],
    [["--frame=gwsocket", "--delimiters=;"], '--delimiters=";" has no meaning with --frame=binary'],
    [["--frame=json", "--delimiters=,"], '--delimiters="," could stand in the middle of JSON'],
    [["--null", "--delimiters=;"], '--null and --delimiters=";"'],
    [["--delimiters="], "--delimiters: expected 1 to 16 single-byte characters"],
    [["--delimiters=\u00e9"], "--delimiters: expected 1 to 16 single-byte characters"],
  ])("%j is refused at the start", async (words, message) => {
    const { code, stderr } = await runToEnd([...words, "cat"]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe.concurrent("a framing for each direction", () => {
  test("--frame=gwsocket is --frame=binary", async () => {
    await using server = await startServer(["--frame=gwsocket", "cat"]);
    await using first = await join(server, "a");
    await using second = await join(server, "a");
    second.send("mine");
    expect(await second.messages(1)).toEqual(["mine"]);
    expect(first.received).toEqual([]);
  });

  test("--clientframe tells the process who speaks, and its lines go to all as they are", async () => {
    await using server = await startServer(["--clientframe", "json", "cat"]);
    await using first = await join(server, "a");
    await using second = await join(server, "a");
    second.send('{"id":1}');
    second.send('{"a":1}');
    for (const client of [first, second]) {
      expect(await client.messages(2)).toEqual(['{"id":2}', '{"id":2,"a":1}']);
    }
  });

  test("--serverframe routes what the process writes, and it reads lines", async () => {
    await using server = await startServer(["--serverframe=json", "cat"]);
    await using first = await join(server, "a");
    await using second = await join(server, "a");
    second.send('{"id":1}');
    second.send("no JSON at all");
    expect(await first.messages(2)).toEqual(['{"id":1}', "no JSON at all"]);
    expect(await second.messages(1)).toEqual(["no JSON at all"]);
  });

  test("the two may be of any kinds", async () => {
    await using server = await startServer(["--serverframe=gwsocket", "--clientframe=lines", ...node("say.mjs")]);
    await using first = await join(server, "a");
    await using second = await join(server, "a");
    first.send(gwsocketMessage(2, 1, "to the second").toString("hex"));
    first.send(gwsocketMessage(0, 2, "to all").toString("hex"));
    expect(await first.messages(1)).toEqual([Buffer.from("to all")]);
    expect(await second.messages(2)).toEqual(["to the second", Buffer.from("to all")]);
  });

  test.each([
    [
      ["--frame=json", "--clientframe=lines"],
      ["--frame=json", "--clientframe=lines"],
    ],
    [
      ["--frame", "--serverframe=json"],
      ["--frame=binary", "--serverframe=json"],
    ],
    [
      ["--binary", "--serverframe=json"],
      ["--binary", "--serverframe=json"],
    ],
    [["--clientframe=xml"], ["--clientframe: expected one of lines, binary, json"]],
  ])("%j is refused at the start", async (words, messages) => {
    const { code, stderr } = await runToEnd([...words, "cat"]);
    expect(code).toBe(2);
    for (const message of messages) expect(stderr).toContain(message);
  });
});

describe.concurrent("fields", () => {
  test("--fromfield names that in which the process reads who speaks, and no client can forge it", async () => {
    await using server = await startServer(["--frame=json", "--fromfield", "_from", "--tofield", "_to", "cat"]);
    await using first = await join(server, "a");
    await using second = await join(server, "a");
    second.send(String.raw`{"_from":1,"\u005ffrom":1,"id":9,"a":1,"_fro\u006d":1}`);
    expect(await first.messages(1)).toEqual(['{"_from":2,"id":9,"a":1}']);
  });

  test("--tofield names that by which the process routes", async () => {
    await using server = await startServer(["--frame=json", "--tofield=_to", "--metrics", ...node("say.mjs")]);
    await using first = await join(server, "a");
    await using second = await join(server, "a");
    const lines = ['{"_to":2}', '{"id":2}', '{"_to":"2"}', String.raw`{"\u005fto":1}`, '{"_to":null}'];
    first.send(say(lines));
    expect(await first.messages(3)).toEqual([lines[1], lines[3], lines[4]]);
    expect(await second.messages(3)).toEqual([lines[0], lines[1], lines[4]]);
    expect(await dropped(server, "invalid_id")).toBe(1);
  });

  test("what a client says goes where its own words say, through a program that writes back what it reads", async () => {
    await using server = await startServer(["--frame=json", "--fromfield=_from", "--tofield=_to", "cat"]);
    await using first = await join(server, "a");
    await using second = await join(server, "a");
    await using third = await join(server, "a");
    first.send('{"_to":3,"text":"psst"}');
    first.send('{"_close":4001}');
    expect(await third.messages(2)).toEqual(['{"_from":1,"_to":3,"text":"psst"}', '{"_from":1,"_close":4001}']);
    expect(await second.messages(1)).toEqual(['{"_from":1,"_close":4001}']);
  });

  test.each([
    [["--fromfield="], "--fromfield: expected 1 to 64 characters"],
    [["--tofield=a b"], "--tofield: expected 1 to 64 characters"],
    [["--tofield=_close"], "--tofield=_close"],
    [["--fromfield=_to"], "--fromfield=_to"],
  ])("%j is refused at the start", async (words, message) => {
    const { code, stderr } = await runToEnd(["--frame=json", ...words, "cat"]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

/** What makes test/programs/say.mjs write these lines in one piece. */
function say(lines: readonly string[]): string {
  return JSON.stringify({ hex: Buffer.from(`${lines.join("\n")}\n`).toString("hex") });
}
