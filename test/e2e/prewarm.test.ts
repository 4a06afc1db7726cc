import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { join } from "../helpers/client.ts";
import { turns } from "../helpers/noticed.ts";
import { allGone, isAlive } from "../helpers/processes.ts";
import { sh } from "../helpers/programs.ts";
import { runToEnd, startServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";

/** Takes its time to start, and then writes its pid to the file and to its clients. */
const slowStarter = 'sleep 0.3; echo $$ >> "$1"; echo $$; cat';

describe.concurrent("--prewarm", () => {
  test("starts processes ahead, gives rooms the oldest ones, and starts others in their place", async () => {
    await using folder = await tempFolder();
    await using server = await startServer(["--prewarm", "2", ...sh(slowStarter, folder.at("pids"))]);
    const early = await numbersIn(folder.at("pids"), 2);
    await using first = await join(server, "a");
    await using second = await join(server, "b");
    const taken = [...(await first.messages(1)), ...(await second.messages(1))].map(Number);
    expect(new Set(taken)).toEqual(new Set(early));
    const all = await numbersIn(folder.at("pids"), 4);
    await using third = await join(server, "c");
    expect(all.slice(2)).toContain(Number((await third.messages(1))[0]));
    first.send("hello");
    expect((await first.messages(2))[1]).toBe("hello");
    await until(() => new RegExp(`process started room=a pid=${taken[0]}`).test(server.log()), "the log");
  });

  test("tells processes neither the room nor a request, but the join message does", async () => {
    const words = ["--prewarm", "1", "--joinmsg", "join #ID #ROOM #QUERY_NAME #REMOTE_ADDR"];
    const script = 'env -u _ -u PWD -u SHLVL -u OLDPWD | cut -d = -f 1 | sort | tr "\\n" " "; echo; cat';
    await using server = await startServer([...words, ...sh(script)]);
    // More rooms at once than there are processes: those that are started for them know no more.
    const clients = await Promise.all(["a", "b", "c"].map(async (room) => join(server, `${room}?name=${room}`)));
    for (const [index, client] of clients.entries()) {
      const [variables, joined] = await client.messages(2);
      expect(variables).toBe("PATH PYTHONUNBUFFERED ");
      expect(joined).toMatch(new RegExp(`^join \\d ${"abc"[index]} ${"abc"[index]} 127\\.0\\.0\\.1$`));
    }
    await Promise.all(clients.map(async (client) => client[Symbol.asyncDispose]()));
  });

  test("keeps what a process writes before it has a room, however much that is", async () => {
    await using folder = await tempFolder();
    const script = 'seq 1 200000; echo done >> "$1"; cat';
    await using server = await startServer(["--prewarm", "1", ...sh(`echo $$ >> "$1"; ${script}`, folder.at("file"))]);
    await numbersIn(folder.at("file"), 1);
    await using client = await join(server, "a");
    const received = await client.messages(200_000);
    expect(received.map(Number)).toEqual(Array.from({ length: 200_000 }, (_each, index) => index + 1));
  });

  test("with --stderr log has all in the log at once, and the rest with the room", async () => {
    await using folder = await tempFolder();
    const script = 'seq -f %0999.0f 100 >&2; echo $$ >> "$1"; read -r line; echo "$line" >&2; cat';
    const words = ["--workers", "1", "--prewarm", "1", "--stderr", "log"];
    await using server = await startServer([...words, ...sh(script, folder.at("pids"))]);
    const [pid] = await numbersIn(folder.at("pids"), 1);
    await until(() => server.log().includes(`${"100".padStart(999, "0")} pid=${pid}\n`), "the log");
    expect(server.log().match(/stderr: /g)).toHaveLength(100);
    await using client = await join(server, "a");
    client.send("hello");
    await until(() => server.log().includes(`stderr: hello room=a pid=${pid}\n`), "the log with the room");
  });

  test("with --stderr clients keeps stderr for them, and logs it when the process fails", async () => {
    await using folder = await tempFolder();
    const script = 'echo early >&2; echo $$ >> "$1"; cat';
    const words = ["--workers", "1", "--prewarm", "2", "--stderr", "clients"];
    await using server = await startServer([...words, ...sh(script, folder.at("pids"))]);
    const pids = await numbersIn(folder.at("pids"), 2);
    await using client = await join(server, "a");
    expect(await client.messages(1)).toEqual(['{"stream":"stderr","data":"early"}']);
    const pidInLog = (): number => Number(/stderr: early room=a pid=(\d+)/.exec(server.log())?.[1]);
    await until(() => pids.includes(pidInLog()), "the log");
    const taken = pidInLog();
    for (const pid of pids.filter((other) => other !== taken)) process.kill(pid, "SIGKILL");
    await until(() => server.log().includes("ended by SIGKILL"), "the other to end");
    expect(server.log()).toMatch(/stderr: early pid=\d+\n/);
  });

  test("gives no room a process that has died meanwhile", async () => {
    await using folder = await tempFolder();
    const script = 'echo $$ >> "$1"; echo $$; cat';
    await using server = await startServer(["--prewarm", "2", ...sh(script, folder.at("pids"))]);
    const early = await numbersIn(folder.at("pids"), 2);
    for (const pid of early) process.kill(pid, "SIGKILL");
    // Others are started in their place once the server has noticed.
    await numbersIn(folder.at("pids"), 4);
    await using client = await join(server, "a");
    const pid = Number((await client.messages(1))[0]);
    expect(early).not.toContain(pid);
    client.send("hello");
    expect((await client.messages(2))[1]).toBe("hello");
    await numbersIn(folder.at("pids"), 5);
  });

  test("tries ever more slowly, with one line in the log, when processes do not last", async () => {
    await using folder = await tempFolder();
    await using server = await startServer([
      "--workers",
      "1",
      "--prewarm",
      "1",
      ...sh('date +%s%N >> "$1"; exit 3', folder.at("times")),
    ]);
    const times = await numbersIn(folder.at("times"), 5);
    const pauses = times.slice(1, 5).map((time, index) => (time - (times[index] ?? 0)) / 1e6);
    for (const [index, expected] of [100, 200, 400, 800].entries()) {
      expect(pauses[index]).toBeGreaterThan(expected * 0.95);
    }
    expect(server.log().match(/ warn .*/g)).toEqual([
      expect.stringMatching(/a process that was started ahead is of no use: process exited with code 3; trying again/),
    ]);
    await using client = await join(server, "a");
    expect(await client.closed).toEqual({ code: 1011, reason: "process exited with code 3" });
  });

  test("tells clients when the command does not exist, as without it", async () => {
    await using server = await startServer(["--workers", "1", "--prewarm", "3", "./there-is-no-such-command"]);
    await using client = await join(server, "a");
    const reason = "cannot start ./there-is-no-such-command: no such file or directory";
    expect(await client.closed).toEqual({ code: 1011, reason });
    expect(server.log().match(/started ahead/g)).toHaveLength(1);
  });

  test("ends in the usual steps, when the server stops, those that no room has", async () => {
    await using folder = await tempFolder();
    const script =
      'echo $$ >> "$1"; trap "echo TERM >> \\"$2\\"; exit" TERM; sleep 100 & cat; echo EOF >> "$2"; wait; wait';
    await using server = await startServer(["--prewarm", "2", ...sh(script, folder.at("pids"), folder.at("steps"))]);
    const pids = await numbersIn(folder.at("pids"), 2);
    expect(await server.stop()).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(readFileSync(folder.at("steps"), "utf8").split("\n").toSorted()).toEqual(["", "EOF", "EOF", "TERM", "TERM"]);
  });

  test("leaves nothing behind when a second signal ends the server at once, nor when it is killed", async () => {
    await using folder = await tempFolder();
    const stubborn = 'trap "" TERM INT HUP; echo $$ >> "$1"; while :; do sleep 1; done';
    const words = ["--metrics", "--prewarm", "2", "--killgrace", "3600"];
    await using asked = await startServer([...words, ...sh(stubborn, folder.at("asked"))]);
    await using killed = await startServer([...words, ...sh(stubborn, folder.at("killed"))]);
    const [ofAsked, ofKilled] = await Promise.all(
      ["asked", "killed"].map(async (name) => numbersIn(folder.at(name), 2)),
    );
    // Then the guardian was told of the processes.
    await turns(killed);
    killed.child.kill("SIGKILL");
    const exitCode = asked.stop();
    await until(() => asked.log().includes("shutting down"), "the server to stop");
    asked.child.kill("SIGTERM");
    expect(await exitCode).toBe(0);
    await allGone([...(ofAsked ?? []), ...(ofKilled ?? [])]);
  });

  test("starts nothing when the server does not come up", async () => {
    await using folder = await tempFolder();
    await using server = await startServer(["cat"]);
    const words = ["--addr", `127.0.0.1:${server.port}`, "--prewarm", "1", ...sh('echo x >> "$1"', folder.at("file"))];
    expect((await runToEnd(words)).code).toBe(1);
    expect(() => readFileSync(folder.at("file"))).toThrow("ENOENT");
  });

  test("does not go together with --tcp", async () => {
    const { code, stderr } = await runToEnd(["--prewarm", "2", "--tcp", "cat"]);
    expect(code).toBe(2);
    expect(stderr).toContain("--prewarm=2 does not go together with --tcp");
  });
});

/** The numbers in a file once there are as many, one on each line. */
async function numbersIn(path: string, count: number): Promise<number[]> {
  const read = (): number[] => {
    try {
      return readFileSync(path, "utf8").split("\n").slice(0, -1).map(Number);
    } catch {
      return [];
    }
  };
  await until(
    () => read().length >= count,
    () => `${count} lines in ${path}, got ${read().length}`,
  );
  return read();
}
