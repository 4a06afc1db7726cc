import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { bin } from "../helpers/bin.ts";
import { join } from "../helpers/client.ts";
import { allGone, isAlive, placeOf, workersOf } from "../helpers/processes.ts";
import { sh } from "../helpers/programs.ts";
import { hasScript } from "../helpers/script.ts";
import { startServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";
import { wholeLog } from "../helpers/whole-log.ts";

test("SIGHUP finds out anew where the folder of static files is, and keeps the old one where there is none", async () => {
  await using folder = await tempFolder();
  for (const release of ["one", "two"]) {
    await mkdir(folder.at(release));
    await writeFile(folder.at(`${release}/index.html`), release);
  }
  const point = async (release: string): Promise<void> => {
    await symlink(folder.at(release), folder.at("next"));
    await rename(folder.at("next"), folder.at("current"));
  };
  await point("one");
  await using server = await startServer(["--workers", "1", "--staticdir", folder.at("current"), "cat"]);
  await using client = await join(server, "room");
  await point("two");
  expect(await (await server.http("/")).text()).toBe("one");

  server.child.kill("SIGHUP");
  await until(
    () => server.log().includes("read again: folder of static files"),
    () => server.log(),
  );
  expect(await (await server.http("/")).text()).toBe("two");

  await rm(folder.at("current"));
  server.child.kill("SIGHUP");
  await until(
    () => server.log().includes("cannot read again, and stays as it was: folder of static files"),
    () => server.log(),
  );
  expect(await (await server.http("/")).text()).toBe("two");
  client.send("still here");
  expect(await client.messages(1)).toEqual(["still here"]);
});

test("SIGHUP to all processes of the server ends none of them, and nor do SIGUSR1 and SIGUSR2", async () => {
  await using server = await startServer(["--workers", "2", "cat"], { leadsGroup: true });
  await using client = await join(server, "room");
  // A process belongs to the server's group until it has one of its own, and would end by the signal.
  client.send("hello");
  await client.messages(1);
  const workers = workersOf(server.pid);
  for (const signal of ["SIGHUP", "SIGUSR1", "SIGUSR2"]) process.kill(-server.pid, signal);
  await until(
    () => server.log().includes("nothing to read again"),
    () => server.log(),
  );
  await until(
    () => server.log().includes("status: 1 room"),
    () => server.log(),
  );
  client.send("still here");
  expect(await client.messages(2)).toEqual(["hello", "still here"]);
  expect(workersOf(server.pid)).toEqual(workers);
  expect(server.log()).toContain("SIGUSR1 means nothing here");
  // Node's, which everybody on the machine could connect to.
  expect(await wholeLog(server)).not.toMatch(/debugger|inspector/i);
});

test("a second signal while workers start ends them, and the server", async () => {
  const server = spawn(process.execPath, [bin, "--addr", "127.0.0.1:0", "--workers", "1", "cat"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const end = once(server, "close");
  let log = "";
  server.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  await until(() => workersOf(server.pid).length > 0, "a worker");
  const workers = workersOf(server.pid);
  for (const pid of workers) process.kill(pid, "SIGSTOP");
  for (const word of ["shutting down", "killing what is left"]) {
    server.kill("SIGINT");
    await until(
      () => log.includes(`SIGINT: ${word}`),
      () => log,
    );
  }
  expect(await end).toEqual([0, null]);
  expect(log).not.toContain("error");
  await allGone(workers);
});

const status = /^.{12} info {2}status: (.*)\n/gm;

test.each([
  ["0", ["server"]],
  ["2", ["supervisor", "worker 0", "worker 1"]],
])("SIGUSR2 writes rooms, clients, queues and memory into the log (workers: %s)", async (workers, names) => {
  await using folder = await tempFolder();
  // It reads nothing until there is a file.
  const script = 'echo $$; while [ ! -e "$1" ]; do sleep 0.02; done; exec cat';
  await using server = await startServer(["--workers", workers, ...sh(script, folder.at("go"))]);
  await using quiet = await join(server, "quiet");
  await using other = await join(server, "quiet");
  await using busy = await join(server, "busy");
  const pids = await Promise.all([quiet, busy].map(async (client) => String((await client.messages(1))[0])));
  await other.messages(0);
  const payload = "x".repeat(200_000);
  busy.send(payload);
  // It may be read while the last of its lines are still to come.
  const report = (): string[] => {
    const lines = Array.from(server.log().matchAll(status), ([, line]) => line ?? "");
    const start = lines.findIndex((line) => /^2 rooms, 3 clients; waiting: \d{5,} /.test(line));
    return start === -1 ? [] : lines.slice(start, start + names.length + 3);
  };
  await until(
    async () => {
      server.child.kill("SIGUSR2");
      return report().length === names.length + 3;
    },
    () => server.log(),
  );

  const [first, ...rest] = report();
  expect(first).toMatch(/^2 rooms, 3 clients; waiting: \d{5,} bytes for processes, 0 bytes for clients$/);
  for (const [index, name] of names.entries()) {
    expect(rest[index]).toMatch(new RegExp(`^${name}: \\d+ MiB resident, \\d+ MiB of it in its heap; .* pid=\\d+$`));
  }
  expect(rest.slice(names.length)).toEqual([
    expect.stringMatching(
      new RegExp(`^1 client; waiting: \\d{5,} bytes for processes, 0 bytes for clients room=busy pid=${pids[1]}$`),
    ),
    `2 clients; waiting: 0 bytes for processes, 0 bytes for clients room=quiet pid=${pids[0]}`,
  ]);
  await writeFile(folder.at("go"), "");
  expect(await busy.messages(2)).toHaveLength(2);
});

test("SIGUSR2 tells of a worker that does not answer", async () => {
  await using server = await startServer(["--workers", "1", "cat"]);
  const [worker] = workersOf(server.pid) as [number];
  process.kill(worker, "SIGSTOP");
  server.child.kill("SIGUSR2");
  await until(
    () => server.log().includes(`status: worker 0 does not answer pid=${worker}`),
    () => server.log(),
  );
  process.kill(worker, "SIGCONT");
});

/** A server whose program says first which process has started it. */
const serverLine = [
  process.execPath,
  bin,
  "--addr",
  "127.0.0.1:0",
  "--workers",
  "0",
  "sh",
  "--",
  "-c",
  "echo $PPID; cat",
]
  .map((word) => `'${word}'`)
  .join(" ");

/** Runs a line of the shell with a terminal of its own, and types another one. */
function inTerminal(line: string, typed = "") {
  const options = ["--quiet", "--flush", "--return", "--command", `exec ${line}`, "/dev/null"];
  const child = spawn("script", options, { stdio: ["pipe", "pipe", "ignore"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  child.stdin.write(typed);
  let server = 0;
  return {
    output: () => output,
    close: () => child.kill("SIGKILL"),
    freeze: () => child.kill("SIGSTOP"),
    /** Lets a client in, and resolves to it and to the id of the server. */
    async join() {
      await until(
        () => /listening on \S+?:(\d+)/.test(output),
        () => output,
      );
      const port = Number(/listening on \S+?:(\d+)/.exec(output)?.[1]);
      const client = await join({ port, log: () => output }, "room");
      server = Number((await client.messages(1))[0]);
      return { client, pid: server };
    },
    async [Symbol.asyncDispose]() {
      if (server > 0 && isAlive(server)) process.kill(server, "SIGKILL");
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

test.skipIf(!hasScript)(
  "a terminal that is closed ends the server, and SIGHUP while it is there does not",
  async () => {
    await using terminal = inTerminal(serverLine);
    const { client, pid } = await terminal.join();
    await using _ = client;
    process.kill(pid, "SIGHUP");
    await until(() => terminal.output().includes("nothing to read again"), terminal.output);
    client.send("still here");
    expect((await client.messages(2))[1]).toBe("still here");

    terminal.close();
    expect((await client.closed).code).toBe(1001);
    await until(() => !isAlive(pid), "the server to end");
  },
);

test.skipIf(!hasScript).each(["SIGHUP", "SIGKILL"])(
  "a shell that ends by %s while its terminal is there ends the server that was started in it",
  async (signal) => {
    await using terminal = inTerminal("bash --norc -i", `${serverLine}\n`);
    const { client, pid } = await terminal.join();
    await using _ = client;
    // Otherwise script(1) would close the terminal with the shell.
    terminal.freeze();
    process.kill(placeOf(pid)?.session ?? 0, signal);
    await until(() => !isAlive(pid), "the server to end");
    expect((await client.closed).code).toBe(1001);
  },
);
