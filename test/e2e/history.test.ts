import { writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { join, type TestClient } from "../helpers/client.ts";
import { gwsocketMessage } from "../helpers/framing.ts";
import { metric } from "../helpers/metrics.ts";
import { peakMemoryMiB } from "../helpers/processes.ts";
import { node, sh } from "../helpers/programs.ts";
import { runToEnd, startServer, type TestServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";

/** A client whose process writes back what it says. */
async function talk(client: TestClient, ...messages: readonly string[]): Promise<void> {
  for (const message of messages) client.send(message);
  await until(() => client.received.at(-1) === messages.at(-1), "its own words to come back");
}

/** The only client leaves; resolves when its process is gone. */
async function leave(server: TestServer, client: TestClient): Promise<void> {
  const endings = (): number => server.log().match(/process (?:exited|ended)/g)?.length ?? 0;
  const before = endings();
  client.socket.close();
  await until(() => endings() > before, "the process to end");
}

/** Whether these are whole numbers one after the other. */
function areConsecutive(messages: readonly (string | Buffer)[]): boolean {
  return messages.every((message, index) => Number(message) === Number(messages[0]) + index);
}

describe.concurrent("--cache", () => {
  test.each(["3", "all:3"])(
    "%s replays the last messages for everyone to who joins, before anything newer",
    async (size) => {
      await using server = await startServer(["--cache", size, "cat"]);
      await using first = await join(server, "a");
      await talk(first, "1", "2", "3", "4", "5");
      await using second = await join(server, "a");
      await using elsewhere = await join(server, "b");
      first.send("6");
      expect(await second.messages(4)).toEqual(["3", "4", "5", "6"]);
      await using third = await join(server, "a");
      expect(await third.messages(3)).toEqual(["4", "5", "6"]);
      expect(first.received).toEqual(["1", "2", "3", "4", "5", "6"]);
      expect(elsewhere.received).toEqual([]);
    },
  );

  test("of one message keeps the last one", async () => {
    await using server = await startServer(["--cache=1", "cat"]);
    await using first = await join(server, "a");
    await talk(first, "1", "2");
    await using second = await join(server, "a");
    expect(await second.messages(1)).toEqual(["2"]);
  });

  test("loses and repeats nothing for clients that join in the middle of a flood", async () => {
    await using folder = await tempFolder();
    // It ends by itself: with each client that has to take it, the next one comes later.
    const some =
      'while [ ! -e "$1" ] && [ $i -lt 200000 ]; do seq $((i + 1)) $((i + 2000)); i=$((i + 2000)); sleep 0.005; done';
    const script = `i=0; ${some}; while [ ! -e "$1" ]; do sleep 0.01; done; echo end; cat`;
    await using server = await startServer(["--cache", "50", ...sh(script, folder.at("enough"))]);
    const clients: TestClient[] = [];
    while (clients.length < 12) {
      const client = await join(server, "a");
      clients.push(client);
      await client.messages(1);
    }
    await writeFile(folder.at("enough"), "");
    for (const { received } of clients) {
      await until(() => received.at(-1) === "end", "the flood to end");
      expect(areConsecutive(received.slice(0, -1))).toBe(true);
      expect(received.at(-2)).toBe(clients[0]?.received.at(-2));
    }
    expect(clients[0]?.received[0]).toBe("1");
    expect(clients.filter(({ received }) => Number(received[0]) > 1).length).toBeGreaterThan(5);
  });

  test("never keeps what was for some", async () => {
    await using server = await startServer(["--cache", "10", "--frame=json", ...node("say.mjs")]);
    await using first = await join(server, "a");
    const lines = [
      '{"n":1}',
      '{"id":1,"n":2}',
      '{"_to":[1],"n":3}',
      '{"_except":9,"n":4}',
      '{"id":null,"n":5}',
      '{"n":6}',
    ];
    const forNobody = ['{"id":9,"n":0}', '{"_to":[9],"n":0}'];
    const output = [...forNobody, ...lines].join("\n");
    first.send(JSON.stringify({ hex: Buffer.from(`${output}\n`).toString("hex") }));
    expect(await first.messages(6)).toEqual(lines);
    await using second = await join(server, "a");
    expect(await second.messages(3)).toEqual([lines[0], lines[4], lines[5]]);
    expect(second.received).toHaveLength(3);
  });

  test("keeps text as text and bytes as bytes, whatever the framing", async () => {
    await using server = await startServer(["--cache=5", "--frame=gwsocket", ...node("unwrap.mjs")]);
    await using first = await join(server, "a");
    const output = [
      gwsocketMessage(0, 1, "text \u00e9"),
      gwsocketMessage(1, 1, "private"),
      gwsocketMessage(0, 2, Buffer.of(0xff, 0)),
      gwsocketMessage(0, 1, ""),
    ];
    first.send(Buffer.concat(output));
    await first.messages(4);
    await using second = await join(server, "a");
    expect(await second.messages(3)).toEqual(["text \u00e9", Buffer.of(0xff, 0), ""]);
  });

  test("tagged: keeps the messages in which the process says so", async () => {
    await using server = await startServer(["--cache", "tagged:2", "--serverframe=json", "cat"]);
    await using first = await join(server, "a");
    const lines = ['{"_cache":true,"n":1}', '{"n":2}', String.raw`{"n":3,"_c\u0061che":true}`, '{"_cache":false}'];
    const others = ['{"a":{"_cache":true}}', '{"_cache":true,"id":1}', '{"_cache":true,"n":4}', "plain"];
    await talk(first, ...lines, ...others);
    await using second = await join(server, "a");
    await talk(second, "end");
    expect(second.received).toEqual([lines[2], others[2], "end"]);
  });

  test("takes no more than --cachebytes, the oldest first", async () => {
    await using server = await startServer(["--cache", "1000", "--cachebytes", "1K", "cat"]);
    await using first = await join(server, "a");
    await talk(first, ...Array.from({ length: 100 }, (_each, index) => String(index).padEnd(100, "x")));
    await using second = await join(server, "a");
    await talk(second, "end");
    const kept = second.received.slice(0, -1).map((message) => Number.parseInt(String(message), 10));
    expect(kept).toEqual([91, 92, 93, 94, 95, 96, 97, 98, 99]);
  });

  test("ends with the process", async () => {
    await using server = await startServer(["--cache", "5", "cat"]);
    await using first = await join(server, "a");
    await talk(first, "old");
    await leave(server, first);
    await using second = await join(server, "a");
    await talk(second, "new");
    expect(second.received).toEqual(["new"]);
  });

  test("is bounded also where a process never stops writing, and has a long history", { timeout: 60_000 }, async () => {
    const words = ["--cache", "1000000", ...sh("read -r _; seq -f %0999.0f 200000; echo end; cat")];
    await using server = await startServer(words);
    await using first = await join(server, "a");
    first.send("go");
    await until(() => first.received.at(-1) === "end", "the flood to end");
    await using second = await join(server, "a");
    await talk(second, "hello");
    const replayed = second.received.slice(0, -2);
    expect(replayed.length).toBeGreaterThan(16_000);
    expect(replayed.length * 999).toBeLessThan(16 * 1024 * 1024);
    expect(areConsecutive(replayed)).toBe(true);
    expect(replayed.at(-1)).toBe("200000".padStart(999, "0"));
    expect(peakMemoryMiB(server.pid)).toBeLessThan(220);
  });

  test.each([
    [["--cache=0"], "--cache: expected a whole number from 1"],
    [["--cache=some:5"], "--cache: expected a whole number from 1"],
    [["--cache=tagged:5"], "--cache=tagged:5"],
    [["--cache=tagged:5", "--frame=binary"], "--cache=tagged:5"],
    [["--cachepersist"], "--cachepersist"],
    [["--cache=5", "--cachebytes=0"], "--cachebytes: expected bytes from 1 to 1G"],
  ])("%j is refused at the start", async (words, message) => {
    const { code, stderr } = await runToEnd([...words, "cat"]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe.concurrent("--cachepersist", () => {
  test("keeps the history for the next process of the same room, and for no other room", async () => {
    await using server = await startServer(["--cache", "3", "--cachepersist", "cat"]);
    await using first = await join(server, "a");
    await talk(first, "1", "2", "3");
    await leave(server, first);
    await using other = await join(server, "b");
    await using second = await join(server, "a");
    await talk(second, "4");
    expect(second.received).toEqual(["1", "2", "3", "4"]);
    await leave(server, second);
    await using third = await join(server, "a");
    expect(await third.messages(3)).toEqual(["2", "3", "4"]);
    expect(other.received).toEqual([]);
  });

  test.each([
    ["", []],
    ["old", ["--cachepersist"]],
  ])("decides whether who joins after a new start of the process (--restart) gets %j", async (kept, words) => {
    await using folder = await tempFolder();
    const script = '[ -e "$1" ] && exec cat; touch "$1"; head -n 1; exit 1';
    const restart = ["--cache", "5", "--restart", "on-failure", ...words];
    await using server = await startServer([...restart, ...sh(script, folder.at("started"))]);
    await using first = await join(server, "a");
    await talk(first, "old");
    await talk(first, "new");
    await using second = await join(server, "a");
    await talk(second, "end");
    expect(second.received.join(" ")).toBe(`${kept} new end`.trim());
  });

  test("keeps also the last words of a process that ended by itself", async () => {
    const script = "echo hello; read -r line && echo last words";
    await using server = await startServer(["--cache", "5", "--cachepersist", ...sh(script)]);
    await using first = await join(server, "a");
    await first.messages(1);
    first.send("end");
    await first.closed;
    await using second = await join(server, "a");
    expect(await second.messages(3)).toEqual(["hello", "last words", "hello"]);
  });

  test("keeps also the last words of a process that was ended since all clients left", async () => {
    // Written when the server knows of its exit: at any other time they may have been read before that.
    const late = 'while kill -0 "$0"; do sleep 0.01; done 2>&-; echo last words';
    const script = `setsid sh -c '${late}' $$ & cat`;
    await using server = await startServer(["--cache", "5", "--cachepersist", ...sh(script)]);
    await using first = await join(server, "a");
    await talk(first, "hello");
    await leave(server, first);
    await using second = await join(server, "a");
    expect(await second.messages(2)).toEqual(["hello", "last words"]);
  });
});

describe.concurrent("a client that does not take its replay", () => {
  /** How often a thousand lines are written: in all far more than what the kernel keeps for a connection. */
  const rounds = 40;

  test.each(["pause", "close", "drop"])("makes nobody wait, and is closed in time, with --slow=%s", async (slow) => {
    const words = ["--metrics", "--slow", slow, "--clientbuffer", "2M", "--slowtimeout", "2"];
    const script = "while read -r line; do seq -f %0999.0f 1000; echo $line; done";
    await using server = await startServer([...words, "--cache=100000", "--cachebytes=64M", ...sh(script)]);
    await using first = await join(server, "a");
    for (let round = 0; round < rounds; round += 1) {
      await talk(first, `round ${round}`);
    }
    await using second = await join(server, "a");
    second.socket.pause();
    await talk(first, "hello");
    await until(async () => (await metric(server, "scalesocket_slow_clients_closed_total")) === 1, "it to be closed");
    // As long again is left for it to hear why.
    second.socket.resume();
    expect(await second.closed).toMatchObject({ code: 4008 });
    await talk(first, "still here");
    expect(first.received).toHaveLength((rounds + 2) * 1001);
    expect(await metric(server, "scalesocket_output_pauses_total")).toBe(0);
  });

  test("gets all of it where it takes that slowly", async () => {
    const script = "while read -r line; do seq -f %0999.0f 1000; echo $line; done";
    const words = ["--cache=100000", "--cachebytes=64M", "--slowtimeout=5", "--clientbuffer", "2M", ...sh(script)];
    await using server = await startServer(words);
    await using first = await join(server, "a");
    for (let round = 0; round < rounds; round += 1) {
      await talk(first, `round ${round}`);
    }
    await using second = await join(server, "a");
    second.socket.pause();
    await talk(first, "meanwhile");
    second.socket.resume();
    await until(() => second.received.length >= (rounds + 1) * 1001, "all of it to arrive");
    expect(second.received).toEqual(first.received);
  });
});
