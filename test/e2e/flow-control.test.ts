import { readdirSync, readlinkSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { countBytes, join, type TestClient } from "../helpers/client.ts";
import { dropped, metric } from "../helpers/metrics.ts";
import { isAlive, peakMemoryMiB, workersOf } from "../helpers/processes.ts";
import { sh } from "../helpers/programs.ts";
import { startServer, type TestServer } from "../helpers/server.ts";
import { settled } from "../helpers/settled.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

/** Lines of 1,000 bytes, by their numbers: far more than what the kernel keeps for a connection. */
const lineCount = 40_000;
const flood = `read -r _; seq -f %0999.0f ${lineCount}`;

describe.concurrent("a process that does not read", () => {
  test("makes also those wait who come later, and loses no message of anybody", async () => {
    await using folder = await tempFolder();
    const script = `while [ ! -e "$1" ]; do sleep 0.05; done; head -c ${400 * 64 * kibibyte} | cut -c 1-20`;
    await using server = await startServer(["--metrics", ...sh(script, folder.at("go"))]);
    const send = (client: TestClient, name: string): string[] =>
      Array.from({ length: 200 }, (_each, index) => {
        const start = `${name} ${index}`.padEnd(20, "-");
        client.send(start.padEnd(64 * kibibyte - 1, "x"));
        return start;
      });
    await using first = await join(server, "a");
    const fromFirst = send(first, "first");
    await until(async () => (await metric(server, "scalesocket_input_pauses_total")) > 0, "clients to be paused");
    await using second = await join(server, "a");
    const fromSecond = send(second, "second");
    expect(await settled(() => second.socket.bufferedAmount)).toBeGreaterThan(0);
    await writeFile(folder.at("go"), "");
    const received = await first.messages(400);
    expect(received.filter((line) => String(line).startsWith("first"))).toEqual(fromFirst);
    expect(received.filter((line) => String(line).startsWith("second"))).toEqual(fromSecond);
  });

  test("makes its clients wait as soon as more than 1 MiB waits for it", async () => {
    await using server = await startServer(["--metrics", ...sh("echo ready; sleep 100")]);
    await using client = await join(server, "a");
    await client.messages(1);
    for (let count = 0; count < 320; count += 1) client.send("x".repeat(32 * kibibyte));
    await until(async () => (await metric(server, "scalesocket_input_pauses_total")) === 1, "a pause");
    await settled(() => client.socket.bufferedAmount);
    const received = await metric(server, "scalesocket_received_bytes_total");
    // What the pipe has not taken yet waits too, and so does the newline after each message.
    const newlines = await metric(server, "scalesocket_messages_received_total");
    expect(received + newlines).toBeGreaterThan(mebibyte);
    // What was read in one go with the message that was one too many is not thrown away.
    expect(received).toBeLessThan(1.5 * mebibyte);
  });

  test("may write 10 MB before it reads, while clients send 10 MB", async () => {
    await using server = await startServer(sh("seq -f %0999.0f 10000; head -c 10240000 | wc -c"));
    await using client = await join(server, "a");
    for (let count = 0; count < 10_000; count += 1) client.send("x".repeat(1023));
    expect(await client.closed).toMatchObject({ code: 1000 });
    expect(client.received.length).toBe(10_001);
    expect(client.received.at(-1)).toBe("10240000");
  });

  test("is still heard by its clients", async () => {
    await using server = await startServer(["--metrics", ...sh("while :; do echo tick; sleep 0.05; done")]);
    await using client = await join(server, "a");
    for (let count = 0; count < 400; count += 1) client.send("x".repeat(10_000));
    await until(async () => (await metric(server, "scalesocket_input_pauses_total")) > 0, "clients to be paused");
    await client.messages(client.received.length + 3);
  });
});

/** Makes a client read no more than some hundreds of kilobytes a second, in small pieces. */
function slowPace({ socket }: TestClient, onTurn: () => void = () => undefined): Disposable {
  const pause = (): void => socket.pause();
  socket.on("message", pause);
  const timer = setInterval(() => {
    socket.resume();
    onTurn();
  }, 150);
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      socket.off("message", pause);
      socket.resume();
    },
  };
}

describe.concurrent("a client that does not read", () => {
  test("makes the process wait, in little memory, and gets a burst whole when it wakes in time", async () => {
    const bytes = 300 * mebibyte;
    const words = ["-v", "--slowtimeout", "3600", "--metrics", "--binary"];
    const script = `echo $$; read -r _; head -c ${bytes} /dev/zero; sleep 100`;
    await using server = await startServer([...words, ...sh(script)]);
    await using slow = await join(server, "a");
    const pid = Number((await slow.messages(1))[0]);
    await using fast = await join(server, "a");
    const totals = [countBytes(slow), countBytes(fast)] as const;
    slow.socket.pause();
    fast.send("go\n");
    await until(() => server.log().includes("client is behind"), "the client to fall behind");
    await settled(() => totals[1].bytes);
    expect(totals[1].bytes).toBeLessThan(bytes / 2);
    expect(isAlive(pid)).toBe(true);
    slow.socket.resume();
    await until(
      () => totals.every((total) => total.bytes === bytes),
      () => `${bytes} bytes, got ${totals.map((total) => total.bytes).join(" ")}`,
    );
    expect(await metric(server, "scalesocket_output_pauses_total")).toBeGreaterThan(0);
    expect(await metric(server, "scalesocket_slow_clients_closed_total")).toBe(0);
    expect(peakMemoryMiB(server.pid)).toBeLessThan(150);
  });

  test("gets also what is left of the output of a process that has ended meanwhile", async () => {
    const words = ["-v", "--clientbuffer", "64K", "--slowtimeout", "3600"];
    await using server = await startServer([...words, ...sh(`echo $$; ${bursts(20)}; seq -f %0999.0f 10; exit 3`)]);
    await using slow = await join(server, "a");
    const [pid] = await slow.messages(1);
    await using fast = await join(server, "a");
    slow.socket.pause();
    const count = await burst(20, fast, () => server.log().includes("client is behind"));
    // What is written now fits into the pipe, where it stays while nobody reads it.
    fast.send("last");
    await until(() => !isAlive(Number(pid)), "the process to exit");
    slow.socket.resume();
    for (const client of [slow, fast]) {
      expect(await client.closed).toEqual({ code: 1011, reason: "process exited with code 3" });
      const lines = client.received.slice(client === slow ? 1 : 0);
      expect(lines.length).toBe(count + 10);
      expect(lines.findIndex((line, index) => Number(line) !== (index % 20) + 1)).toBe(-1);
    }
  });

  test("is closed with 4008 when it takes nothing for --slowtimeout, and the others get everything", async () => {
    // As long again is left for it to wake and to hear why.
    const words = ["-v", "--clientbuffer", "64K", "--slowtimeout", "3"];
    await using server = await startServer([...words, ...sh(`${flood}; cat`)]);
    await using slow = await join(server, "a");
    await using fast = await join(server, "a");
    slow.socket.pause();
    fast.send("go");
    await until(() => server.log().includes("client left"), "the client to be closed");
    slow.socket.resume();
    expect(await slow.closed).toEqual({ code: 4008, reason: "client does not take what it is sent" });
    expectNumbered(await fast.messages(lineCount), lineCount);
    expectNumbered(slow.received, slow.received.length);
    expect(slow.received.length).toBeLessThan(lineCount);
    fast.send("still here");
    expect((await fast.messages(lineCount + 1)).at(-1)).toBe("still here");
  });

  test("may be slow for longer than --slowtimeout, as long as it takes something all the time", async () => {
    const words = ["-v", "--metrics", "--clientbuffer", "64K", "--slowtimeout", "2"];
    await using server = await startServer([...words, ...sh(`${flood}; cat`)]);
    await using client = await join(server, "a");
    using pace = slowPace(client);
    client.send("go");
    await until(() => server.log().includes("client is behind"), "the client to fall behind");
    await client.messages(client.received.length + 2000);
    pace[Symbol.dispose]();
    expectNumbered(await client.messages(lineCount), lineCount);
    expect(await metric(server, "scalesocket_slow_clients_closed_total")).toBe(0);
  });

  test("that is slow gets everything before its close, whatever it says meanwhile", async () => {
    const lines = 3500;
    const words = ["-v", "--clientbuffer", "16M"];
    await using server = await startServer([...words, ...sh(`read -r _; seq -f %0999.0f ${lines}`)]);
    await using client = await join(server, "a");
    using pace = slowPace(client, () => client.send("still here"));
    client.send("go");
    await until(() => server.log().includes("process exited"), "the process to exit");
    await client.messages(client.received.length + 2500);
    pace[Symbol.dispose]();
    expect(await client.closed).toEqual({ code: 1000, reason: "" });
    expectNumbered(client.received, lines);
    expect(client.received.length).toBe(lines);
  });

  test("does not hold the room for ever when it never wakes, nor its connection", async () => {
    const words = ["--metrics", "--clientbuffer", "64K", "--slowtimeout", "0.2"];
    await using server = await startServer([...words, ...sh(`${flood}; cat`)]);
    await using slow = await join(server, "a");
    await using fast = await join(server, "a");
    const sockets = await settled(() => openSockets(server));
    slow.socket.pause();
    fast.send("go");
    expectNumbered(await fast.messages(lineCount), lineCount);
    await until(() => openSockets(server) < sockets, "the connection to be cut");
    expect(await metric(server, "scalesocket_slow_clients_closed_total")).toBe(1);
    slow.socket.resume();
    expect(await slow.closed).toMatchObject({ code: 1006 });
  });

  test("with --slow=close is closed at the limit, and nobody waits for it", async () => {
    const words = ["-v", "--metrics", "--slow=close", "--clientbuffer", "512K"];
    await using server = await startServer([...words, ...sh(`${bursts(100)}; cat`)]);
    await using slow = await join(server, "a");
    await using fast = await join(server, "a");
    slow.socket.pause();
    const count = await burst(100, fast, () => server.log().includes("client left"));
    slow.socket.resume();
    expect(await slow.closed).toEqual({ code: 4008, reason: "client does not take what it is sent" });
    expect(await fast.messages(count)).toHaveLength(count);
    expect(slow.received).toEqual(fast.received.slice(0, slow.received.length));
    expect(await metric(server, "scalesocket_output_pauses_total")).toBe(0);
    expect(await metric(server, "scalesocket_slow_clients_closed_total")).toBe(1);
  });

  test("with --slow=drop misses messages, which are counted, and the others get everything", async () => {
    const words = ["--metrics", "--slow=drop", "--clientbuffer", "512K"];
    await using server = await startServer([...words, ...sh(`${bursts(100)}; cat`)]);
    await using slow = await join(server, "a");
    await using fast = await join(server, "a");
    slow.socket.pause();
    const count = await burst(100, fast, async () => (await dropped(server, "slow_client")) > 300);
    await fast.messages(count);
    const left = count - (await dropped(server, "slow_client"));
    slow.socket.resume();
    expect(await slow.messages(left)).toEqual(fast.received.slice(0, left));
    fast.send("last");
    fast.send("for both");
    expect((await slow.messages(left + 1)).at(-1)).toBe("for both");
    expect((await fast.messages(count + 1)).at(-1)).toBe("for both");
    expect(await metric(server, "scalesocket_output_pauses_total")).toBe(0);
  });
});

describe.concurrent("what is too large", () => {
  test("a client's message above --maxmessage closes it with 1009, and no other", async () => {
    await using server = await startServer(["-v", "--maxmessage", "1K", "cat"]);
    await using client = await join(server, "a");
    await using other = await join(server, "a");
    client.send("x".repeat(1024));
    expect(await other.messages(1)).toEqual(["x".repeat(1024)]);
    client.send("x".repeat(1025));
    expect(await client.closed).toEqual({ code: 1009, reason: "message is larger than 1024 bytes" });
    other.send("still here");
    expect(await other.messages(2)).toEqual(["x".repeat(1024), "still here"]);
    await until(() => server.log().includes("client left: message is larger than 1024 bytes"), "the log to tell");
  });

  test("without --maxmessage, that is 1 MiB", async () => {
    await using server = await startServer(sh("wc -c"));
    await using client = await join(server, "a");
    await using other = await join(server, "a");
    client.send("x".repeat(mebibyte));
    client.send("x".repeat(mebibyte + 1));
    expect(await client.closed).toMatchObject({ code: 1009 });
    expect(other.socket.readyState).toBe(other.socket.OPEN);
  });

  test("a line above --maxline ends the process and closes its clients with 1011 and the reason", async () => {
    await using server = await startServer(["--maxline", "1K", ...sh('echo $$; read -r line; echo "$line"; cat')]);
    await using first = await join(server, "a");
    await using second = await join(server, "a");
    const [pid] = await first.messages(1);
    first.send("x".repeat(1024));
    expect(await first.messages(2)).toEqual([pid, "x".repeat(1024)]);
    second.send("x".repeat(1025));
    for (const client of [first, second]) {
      expect(await client.closed).toEqual({ code: 1011, reason: "process wrote a line of more than 1024 bytes" });
    }
    await until(() => !isAlive(Number(pid)), "the process to end");
    await using next = await join(server, "a");
    expect(await next.messages(1)).not.toEqual([pid]);
  });

  test("a line without an end is not kept beyond --maxline", async () => {
    await using server = await startServer(["--maxline", "1M", ...sh("cat /dev/zero")]);
    await using client = await join(server, "a");
    expect(await client.closed).toMatchObject({
      code: 1011,
      reason: "process wrote a line of more than 1048576 bytes",
    });
    expect(peakMemoryMiB(server.pid)).toBeLessThan(150);
  });
});

describe.concurrent("pings", () => {
  test("a client that answers stays, and one that does not is closed", async () => {
    await using server = await startServer(["--pinginterval", "0.8", "cat"]);
    await using silent = await join(server, "a", { autoPong: false });
    await using quiet = await join(server, "a");
    let pings = 0;
    quiet.socket.on("ping", () => (pings += 1));
    let silentPings = 0;
    silent.socket.on("ping", () => (silentPings += 1));
    expect(await silent.closed).toMatchObject({ code: 1006 });
    expect(silentPings).toBe(1);
    await until(() => pings >= 3, "pings");
    quiet.send("still here");
    expect(await quiet.messages(1)).toEqual(["still here"]);
  });

  test("any byte of a client counts as life", async () => {
    await using server = await startServer(["--pinginterval", "0.8", ...sh("cat > /dev/null")]);
    await using client = await join(server, "a", { autoPong: false });
    let pings = 0;
    client.socket.on("ping", () => {
      pings += 1;
      client.send("no pong, but a message");
    });
    await until(() => pings >= 3, "pings");
    expect(client.socket.readyState).toBe(client.socket.OPEN);
  });

  test("the process is ended when its only client is gone without a word", async () => {
    await using server = await startServer(["--pinginterval", "0.2", ...sh("echo $$; cat")]);
    await using client = await join(server, "a", { autoPong: false });
    const [pid] = await client.messages(1);
    await until(() => !isAlive(Number(pid)), "the process to end");
  });
});

/** A part of a script that writes as many lines of 1,000 bytes each time that it reads `more`. */
function bursts(lines: number): string {
  return `while read -r word && [ "$word" = more ]; do seq -f %0999.0f ${lines}; done`;
}

/** Has bursts written, each when the client has got the one before, until something holds. Resolves to their lines. */
async function burst(lines: number, client: TestClient, holds: () => boolean | Promise<boolean>): Promise<number> {
  let count = 0;
  /* oxlint-disable no-loop-func -- one after the other */
  while (!(await holds())) {
    count += lines;
    client.send("more");
    await until(async () => client.received.length >= count || holds());
  }
  /* oxlint-enable */
  return count;
}

function expectNumbered(received: readonly (string | Buffer)[], count: number): void {
  expect(received.length).toBe(count);
  expect(received.findIndex((line, index) => Number(line) !== index + 1)).toBe(-1);
}

/** In all processes of the server. */
function openSockets(server: TestServer): number {
  const files = [server.pid, ...workersOf(server.pid)].flatMap((pid) =>
    readdirSync(`/proc/${pid}/fd`).map((name) => `/proc/${pid}/fd/${name}`),
  );
  return files.filter(isSocket).length;
}

function isSocket(path: string): boolean {
  try {
    return readlinkSync(path).startsWith("socket:");
  } catch {
    return false;
  }
}
