import { describe, expect, test } from "vitest";
import { join, refusal } from "../helpers/client.ts";
import { leave, turns } from "../helpers/noticed.ts";
import { freePorts, listen } from "../helpers/ports.ts";
import { allGone, isAlive } from "../helpers/processes.ts";
import { node, programPath, sh } from "../helpers/programs.ts";
import { startServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

describe("a room", () => {
  test("clients of a room share one process, and another room has its own", async () => {
    await using server = await startServer(["sh", "--", "-c", "echo $$; cat"]);
    await using first = await join(server, "a");
    const [pid] = await first.messages(1);
    await using second = await join(server, "a");
    await using other = await join(server, "b");
    second.send("hello");

    expect(await first.messages(2)).toEqual([pid, "hello"]);
    expect(await second.messages(1)).toEqual(["hello"]);
    expect(await other.messages(1)).not.toEqual([pid]);
  });

  test("ids count up from 1 over all rooms and are never used again", async () => {
    await using server = await startServer(["-v", "--joinmsg", "#ID", "cat"]);
    await using first = await join(server, "a");
    expect(await first.messages(1)).toEqual(["1"]);
    await using other = await join(server, "b");
    expect(await other.messages(1)).toEqual(["2"]);
    await using second = await join(server, "a");
    expect(await second.messages(1)).toEqual(["3"]);
    await leave(server, second);
    await using third = await join(server, "a");
    expect(await third.messages(1)).toEqual(["4"]);
    await leave(server, first);
    await leave(server, third);
    await using fourth = await join(server, "a");
    expect(await fourth.messages(1)).toEqual(["5"]);
    expect(other.received).toEqual(["2"]);
  });

  test("nothing of one room reaches another", async () => {
    await using server = await startServer(["--joinmsg", "join #ROOM", "--leavemsg", "leave #ROOM", "cat"]);
    await using watcher = await join(server, "a");
    await using talker = await join(server, "b");
    await talker.messages(1);
    await using listener = await join(server, "b");
    await listener.messages(1);
    talker.send("for b");
    expect((await listener.messages(2)).at(-1)).toBe("for b");
    listener.socket.close();
    expect((await talker.messages(4)).at(-1)).toBe("leave b");
    watcher.send("for a");
    expect(await watcher.messages(2)).toEqual(["join a", "for a"]);
    expect(talker.received).toEqual(["join b", "join b", "for b", "leave b"]);
  });

  test("rooms may have the names of properties that every object has", async () => {
    await using server = await startServer(sh('echo "$ROOM"; cat'));
    await using first = await join(server, "__proto__");
    await using second = await join(server, "constructor");
    expect(await first.messages(1)).toEqual(["__proto__"]);
    expect(await second.messages(1)).toEqual(["constructor"]);
  });

  test("the process has the variables of the client that started the room, whoever comes later", async () => {
    const script = 'while read -r _; do echo "$QUERY_STRING $HTTP_X_NAME"; done';
    await using server = await startServer(["--joinmsg", "joined", ...sh(script)]);
    await using first = await join(server, "a?who=first", { headers: { "X-Name": "one" } });
    expect(await first.messages(1)).toEqual(["who=first one"]);
    await using second = await join(server, "a?who=second", { headers: { "X-Name": "two" } });
    expect(await second.messages(1)).toEqual(["who=first one"]);
    second.send("again");
    expect(await second.messages(2)).toEqual(["who=first one", "who=first one"]);
  });
});

describe.concurrent("a process that is still ending", () => {
  test("whoever joins meanwhile waits and gets a new one, and there are never two", async () => {
    await using folder = await tempFolder();
    await using server = await startServer(["-v", "sh", "--", programPath("slow-ender.sh"), folder.at("lock")]);
    await using first = await join(server, "a");
    const [oldPid] = await first.messages(1);
    await leave(server, first);

    await using second = await join(server, "a");
    second.send("from the second");
    await using third = await join(server, "a");
    third.send("from the third");
    expect(isAlive(Number(oldPid))).toBe(true);

    const [newPid, ...rest] = await second.messages(3);
    expect(isAlive(Number(oldPid))).toBe(false);
    expect(newPid).not.toBe(oldPid);
    expect(rest.map(String).toSorted()).toEqual(["from the second", "from the third"]);
    expect(await third.messages(3)).toEqual([newPid, ...rest]);
  });

  test("whoever joins after the exit, but before the end of the output, gets a new one", async () => {
    await using folder = await tempFolder();
    const script = 'mkdir "$1" 2>/dev/null || exec cat; sleep 100 & echo $$ $!';
    await using server = await startServer(["--metrics", ...sh(script, folder.at("old"))]);
    await using first = await join(server, "a");
    const [line] = await first.messages(1);
    const [pid, sleepPid] = String(line).split(" ").map(Number) as [number, number];
    await allGone([pid]);
    await turns(server);
    await using second = await join(server, "a");
    second.send("hello");
    expect(await second.messages(1)).toEqual(["hello"]);
    expect(first.received).toEqual([line]);
    expect(await first.closed).toEqual({ code: 1000, reason: "" });
    expect(isAlive(sleepPid)).toBe(false);
  });

  test("a client that waits and goes again takes nothing along", async () => {
    await using folder = await tempFolder();
    await using server = await startServer(["-v", "sh", "--", programPath("slow-ender.sh"), folder.at("lock")]);
    await using first = await join(server, "a");
    const [oldPid] = await first.messages(1);
    await leave(server, first);
    await using second = await join(server, "a");
    second.socket.terminate();
    await using third = await join(server, "a");
    third.send("hello");
    expect(isAlive(Number(oldPid))).toBe(true);
    expect((await third.messages(2)).slice(1)).toEqual(["hello"]);
  });

  test("clients that wait when the server stops are told so, and no new process is started for them", async () => {
    await using folder = await tempFolder();
    await using server = await startServer(["-v", "sh", "--", programPath("slow-ender.sh"), folder.at("lock")]);
    await using first = await join(server, "a");
    await first.messages(1);
    await leave(server, first);
    await using second = await join(server, "a");
    const exitCode = server.stop();
    expect(await second.closed).toEqual({ code: 1012, reason: "server is shutting down" });
    expect(await exitCode).toBe(0);
    expect(second.received).toEqual([]);
    expect(server.log().split("process started")).toHaveLength(2);
  });
});

describe.concurrent("the end of a process", () => {
  test("what it has written is delivered whole to every client before they are closed", async () => {
    await using server = await startServer(sh("read -r _; seq 200000; printf end; exit 3"));
    await using first = await join(server, "a");
    await using second = await join(server, "a");
    first.send("go");
    for (const client of [first, second]) {
      expect(await client.closed).toEqual({ code: 1011, reason: "process exited with code 3" });
      expect(client.received.length).toBe(200_001);
      expect(client.received.findIndex((message, index) => message !== String(index + 1))).toBe(200_000);
      expect(client.received.at(-1)).toBe("end");
    }
  });

  test("exit code 0 closes with 1000, and the next client gets a new process", async () => {
    await using server = await startServer(sh("echo $$; read -r _"));
    await using first = await join(server, "a");
    const [pid] = await first.messages(1);
    first.send("go");
    expect(await first.closed).toEqual({ code: 1000, reason: "" });
    await using second = await join(server, "a");
    const [newPid] = await second.messages(1);
    expect(newPid).not.toBe(pid);
    second.send("go");
    expect(await second.closed).toMatchObject({ code: 1000 });
  });

  test("a signal closes with 1011 and its name", async () => {
    await using server = await startServer(sh("kill -KILL $$"));
    await using client = await join(server, "a");
    expect(await client.closed).toEqual({ code: 1011, reason: "process ended by SIGKILL" });
  });

  test("a grandchild that holds the pipe open does not hold the room, and goes too", async () => {
    await using server = await startServer(sh("sleep 100 & echo $!; exit 3"));
    await using client = await join(server, "a");
    expect(await client.closed).toEqual({ code: 1011, reason: "process exited with code 3" });
    await allGone([Number(client.received[0])]);
  });

  test("what a grandchild still writes is delivered", async () => {
    await using server = await startServer(sh("(sleep 0.1; echo late) & echo early"));
    await using client = await join(server, "a");
    expect(await client.closed).toMatchObject({ code: 1000 });
    expect(client.received).toEqual(["early", "late"]);
  });
});

describe("--oneshot", () => {
  test("while its one client is in, others are refused", async () => {
    await using server = await startServer(["--oneshot", "cat"]);
    await using client = await join(server, "a");
    for (const room of ["a", "b"]) {
      const { status, headers, body } = await refusal(server, room);
      expect(status).toBe(503);
      expect(headers["retry-after"]).toMatch(/^[1-9]\d*$/);
      expect(headers["content-type"]).toBe("text/plain; charset=utf-8");
      expect(body).toBe("server serves one client only\n");
    }
    client.send("still here");
    expect(await client.messages(1)).toEqual(["still here"]);
  });

  test("the server ends with exit code 0 when its client leaves", async () => {
    await using server = await startServer(["--oneshot", ...sh("echo $$; cat")]);
    await using client = await join(server, "a");
    const [pid] = await client.messages(1);
    client.socket.close();
    expect(await server.exited()).toBe(0);
    expect(isAlive(Number(pid))).toBe(false);
  });

  test.each([
    { code: 0, closing: { code: 1000, reason: "" } },
    { code: 3, closing: { code: 1011, reason: "process exited with code 3" } },
  ])("the server ends with exit code 0 when the process ends with $code", async ({ code, closing }) => {
    await using server = await startServer(["--oneshot", ...sh(`echo bye; exit ${code}`)]);
    await using client = await join(server, "a");
    expect(await client.closed).toEqual(closing);
    expect(client.received).toEqual(["bye"]);
    expect(await server.exited()).toBe(0);
  });

  test("somebody who was refused was not the one client", async () => {
    const ports = await freePorts(1);
    const stranger = await listen(ports.start);
    await using server = await startServer(["--oneshot", "--tcp", "--tcpports", ports.range, ...node("tcp-echo.mjs")]);
    expect(await refusal(server, "a")).toMatchObject({ status: 503, body: "no port left for another room\n" });
    expect(await refusal(server, "a%20b")).toMatchObject({ status: 400 });
    stranger.close();
    await using client = await join(server, "a");
    expect(await client.messages(1)).toEqual([`connection 1 on ${ports.start}`]);
  });
});
