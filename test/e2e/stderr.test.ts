import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { join } from "../helpers/client.ts";
import { metric } from "../helpers/metrics.ts";
import { freePorts } from "../helpers/ports.ts";
import { allGone, isAlive, peakMemoryMiB } from "../helpers/processes.ts";
import { sh } from "../helpers/programs.ts";
import { runToEnd, startServer, type TestServer } from "../helpers/server.ts";
import { settled } from "../helpers/settled.ts";
import { spawners } from "../helpers/spawners.ts";
import { until } from "../helpers/until.ts";
import { wholeLog } from "../helpers/whole-log.ts";

/** Leaves something behind in a session of its own, with stderr open. */
const holdStderr = "setsid sleep 100 & echo $!; echo last words >&2";

describe.concurrent.each(spawners)("--stderr log, by %s", (_, options) => {
  test("makes lines of the log with room and pid, and tells no client", async () => {
    await using server = await startServer(
      ["--stderr", "log", "--log", "json", ...sh('echo $$; printf "one\\ntwo\\033[31m\\n\\377" >&2; read -r _')],
      options,
    );
    await using client = await join(server, "a");
    const pid = Number((await client.messages(1))[0]);
    client.send("go");
    await client.closed;
    const log = await wholeLog(server);
    const entries = log.split("\n").flatMap((line) => {
      const { time: _time, ...entry } =
        line === "" ? { time: "" } : (JSON.parse(line) as { time: string; msg: string });
      return line.includes("stderr") ? [entry] : [];
    });
    const about = { level: "info", room: "a", pid };
    expect(entries).toEqual([
      { ...about, msg: "stderr: one" },
      { ...about, msg: "stderr: two\u001b[31m" },
      { ...about, msg: "stderr: \ufffd" },
    ]);
    expect(client.received).toEqual([String(pid)]);
  });

  test("has the last words of a process that is ended, too", async () => {
    const script = 'trap "echo asked to go >&2; exit 0" TERM; echo ready; while :; do sleep 0.05; done';
    await using server = await startServer(["--stderr=log", ...sh(script)], options);
    await using client = await join(server, "a");
    await client.messages(1);
    client.socket.close();
    await until(() => / info {2}process exited with code 0/.test(server.log()), "the process to end");
    expect(linesOfErrors(await wholeLog(server))).toContain("asked to go");
  });

  test("with --tcp also has what the process writes to stdout", async () => {
    const { range } = await freePorts(1);
    const program =
      "console.log('out'); console.error('err'); " +
      "require('node:net').createServer((s) => s.end('hello\\n')).listen(process.env.PORT, '127.0.0.1')";
    await using server = await startServer(
      ["--stderr=log", "--tcp", "--tcpports", range, "node", "--", "-e", program],
      options,
    );
    await using client = await join(server, "a");
    await client.closed;
    expect(client.received).toEqual(["hello"]);
    expect(linesOfErrors(await wholeLog(server)).toSorted()).toEqual(["err", "out"]);
  });
});

describe.concurrent("--stderr log", () => {
  test("escapes what a terminal would obey", async () => {
    await using server = await startServer(["--stderr=log", ...sh('printf "\\033[31mred\\r\\007\\n" >&2')]);
    await using client = await join(server, "a");
    await client.closed;
    // oxlint-disable-next-line no-control-regex
    expect(await wholeLog(server)).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(server.log()).toContain("stderr: \\u001b[31mred\\u000d\\u0007");
  });

  test("takes 8 KiB of a line, in little memory, and 200 lines a second", async () => {
    const script = "head -c 300000000 /dev/zero | tr '\\0' x >&2; echo >&2; seq 1 20000 >&2; echo done";
    await using server = await startServer(["--stderr=log", ...sh(script)]);
    await using client = await join(server, "a");
    await client.messages(1);
    await client.closed;
    expect(peakMemoryMiB(server.pid)).toBeLessThan(200);
    const log = await wholeLog(server);
    const [first = "", ...numbers] = linesOfErrors(log);
    expect(first).toMatch(/^x{8192} \(and 299991808 bytes more\)$/);
    expect(numbers.length).toBeLessThan(10_000);
    const leftOut = [...log.matchAll(/ (\d+) more lines of stderr were left out room=a /g)];
    const sum = leftOut.reduce((total, [, count]) => total + Number(count), 0);
    expect(numbers.length + sum).toBe(20_000);
  });

  test("waits for the end of stderr as for that of stdout, but not for ever", async () => {
    await using server = await startServer(["--stderr=log", ...sh(`${holdStderr}; exec >&-`)]);
    await using client = await join(server, "a");
    const pid = Number((await client.messages(1))[0]);
    expect(await client.closed).toMatchObject({ code: 1000 });
    expect(linesOfErrors(await wholeLog(server))).toEqual(["last words"]);
    process.kill(pid, "SIGKILL");
    await allGone([pid]);
  });

  test("does not hold up a stop for what has fled with stderr open", async () => {
    await using server = await startServer(["--stderr=log", ...sh(`${holdStderr}; cat`)]);
    await using client = await join(server, "a");
    const pid = Number((await client.messages(1))[0]);
    expect(await server.stop()).toBe(0);
    expect(isAlive(pid)).toBe(true);
    process.kill(pid, "SIGKILL");
    await allGone([pid]);
  });
});

describe.concurrent("--stderr clients", () => {
  test("tells clients of both streams, and the log of stderr", async () => {
    const script = 'read -r line; echo "got $line"; read -r _; printf "bad\\377\\n" >&2; read -r _; printf end';
    await using server = await startServer(["--stderr=clients", ...sh(script)]);
    await using first = await join(server, "a");
    await using second = await join(server, "a");
    first.send('"quoted"');
    await second.messages(1);
    first.send("go");
    await second.messages(2);
    first.send("go");
    await Promise.all([first.closed, second.closed]);
    expect(first.received).toEqual([
      '{"stream":"stdout","data":"got \\"quoted\\""}',
      '{"stream":"stderr","data":"bad\ufffd"}',
      '{"stream":"stdout","data":"end"}',
    ]);
    expect(second.received).toEqual(first.received);
    expect(linesOfErrors(await wholeLog(server))).toEqual(["bad\ufffd"]);
  });

  test("makes a process wait that writes more stderr than a client takes, and loses nothing", async () => {
    // Without workers, the process whose reads are counted is the one that has the room.
    const words = ["--workers", "0", "--stderr=clients", "--metrics", "--slowtimeout", "3600", "--clientbuffer", "64K"];
    await using server = await startServer([...words, ...sh("read -r _; seq -f %0999.0f 40000 >&2; echo end")]);
    await using client = await join(server, "a");
    client.send("go");
    client.socket.pause();
    await until(async () => (await metric(server, "scalesocket_output_pauses_total")) > 0, "the process to wait");
    expect(await settled(() => bytesRead(server))).toBeLessThan(30_000_000);
    client.socket.resume();
    await client.messages(40_001);
    const numbers = client.received.slice(0, -1).map((message) => Number(JSON.parse(String(message)).data));
    expect(numbers).toEqual(Array.from({ length: 40_000 }, (_each, index) => index + 1));
    expect(client.received.at(-1)).toBe('{"stream":"stdout","data":"end"}');
  });

  test.each([
    [["--binary"], "--binary"],
    [["--frame=json"], "--frame=json"],
    [["--frame"], "--frame=binary"],
    [["--maxline", "65M"], "--maxline="],
  ])("is an error with %j", async (words, named) => {
    const { code, stderr } = await runToEnd(["--stderr=clients", ...words, "cat"]);
    expect(code).toBe(2);
    expect(stderr).toContain("--stderr=clients");
    expect(stderr).toContain(named);
  });

  test("ends a process that writes a longer line to stderr than --maxline", async () => {
    await using server = await startServer(["--stderr=clients", "--maxline", "1000", ...sh("seq -s , 1000 >&2; cat")]);
    await using client = await join(server, "a");
    expect(await client.closed).toEqual({ code: 1011, reason: "process wrote a line of more than 1000 bytes" });
  });
});

/** What stands behind `stderr: ` in the log, line by line. */
function linesOfErrors(log: string): string[] {
  return [...log.matchAll(/ info {2}stderr: (.*?) room=a pid=\d+$/gm)].map(([, line = ""]) => line);
}

/** How many bytes the server has read in all. */
function bytesRead(server: TestServer): number {
  return Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${server.pid}/io`, "utf8"))?.[1]);
}
