import { readFileSync } from "node:fs";
import { symlink, writeFile } from "node:fs/promises";
import { getPriority } from "node:os";
import { describe, expect, test } from "vitest";
import { join } from "../helpers/client.ts";
import { freePorts } from "../helpers/ports.ts";
import { node, sh } from "../helpers/programs.ts";
import { runToEnd, startServer } from "../helpers/server.ts";
import { spawners } from "../helpers/spawners.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

/** Tells the limits that it was born with: address space, processor time, descriptors, niceness. */
const tellLimits =
  "awk '/^Max address space/ { print $4 } /^Max cpu time/ { print $4, $5 } /^Max open files/ { print $4 }' " +
  "/proc/$$/limits; cut -d ' ' -f 19 /proc/$$/stat";

describe.concurrent.each(spawners)("processes by %s", (_, options) => {
  test("have, each of them, the limits that the options say from their first instruction on", async () => {
    const words = ["--limit-memory", "1G", "--limit-cpu", "7", "--limit-files=60", "--nice", "3"];
    await using server = await startServer(["--workers", "1", ...words, ...sh(tellLimits)], options);
    for (const room of ["a", "b"]) {
      await using client = await join(server, room);
      expect(await client.closed).toMatchObject({ code: 1000 });
      // Their order is that of the file.
      expect(client.received).toEqual(["7 8", "60", "1073741824", String(getPriority() + 3)]);
    }
  });

  test("that cannot be started close the client with the same reason as without limits", async () => {
    await using folder = await tempFolder();
    await using server = await startServer(["--limit-files", "60", "--nice=1", "./program", "--", "a b"], {
      ...options,
      cwd: folder.path,
    });
    await using early = await join(server, "a");
    expect(await early.closed).toEqual({ code: 1011, reason: "cannot start ./program: no such file or directory" });
    await writeFile(folder.at("program"), "#!/bin/sh\n");
    await using tooEarly = await join(server, "a");
    const reason = "cannot start ./program: permission denied (it is not executable: chmod +x)";
    expect(await tooEarly.closed).toEqual({ code: 1011, reason });
    await writeFile(folder.at("program2"), 'echo "hello $1"\n', { mode: 0o755 });
    await symlink("program2", folder.at("link"));
    await using late = await startServer(["--limit-files", "60", "./link", "--", "a b"], {
      ...options,
      cwd: folder.path,
    });
    await using client = await join(late, "a");
    expect(await client.closed).toMatchObject({ code: 1000 });
    expect(client.received).toEqual(["hello a b"]);
  });
});

describe.concurrent("a process", () => {
  test("that wants more memory than --limit-memory does not get it", async () => {
    const script = 'head -c "$1" /dev/zero | tail -c "$1" | wc -c';
    await using server = await startServer(["--limit-memory", "64M", ...sh(script, "200000000")]);
    await using client = await join(server, "a");
    await client.closed;
    expect(client.received).not.toContain("200000000");
  });

  test("that computes longer than --limit-cpu is ended, and the client is told how", async () => {
    await using server = await startServer(["--limit-cpu", "1", ...sh("while :; do :; done")]);
    await using client = await join(server, "a");
    expect(await client.closed).toEqual({ code: 1011, reason: "process ended by SIGXCPU" });
  });

  test("that ignores the end of its processor time is killed a second later", async () => {
    await using server = await startServer(["--limit-cpu", "1", ...sh("trap '' XCPU; while :; do :; done")]);
    await using client = await join(server, "a");
    expect(await client.closed).toEqual({ code: 1011, reason: "process ended by SIGKILL" });
  });

  test("behind --tcp has them, too", async () => {
    const { range } = await freePorts(1);
    const words = ["--tcp", "--tcpports", range, "--limit-files", "123", "--limit-cpu", "45"];
    await using server = await startServer([...words, ...node("tcp-echo.mjs")]);
    await using client = await join(server, "a");
    client.send("hello");
    expect(await client.messages(2)).toContain("hello");
    const [, pid] = /process started room=a pid=(\d+)/.exec(server.log()) ?? [];
    const limits = readFileSync(`/proc/${pid}/limits`, "utf8");
    expect(limits).toMatch(/^Max cpu time +45 +46 /m);
    expect(limits).toMatch(/^Max open files +123 +123 /m);
  });
});

describe.concurrent("an error at the start of the server", () => {
  test("is a limit above what the system allows", async () => {
    // Linux allows no more than /proc/sys/fs/nr_open, not even for root.
    const { code, stdout, stderr } = await runToEnd(["--limit-files", "4294967295", "cat"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(
      /^.{12} error processes cannot be limited as --limit-files=4294967295 asks: prlimit: .*NOFILE.*\n$/,
    );
  });

  test("is a limit that leaves no program enough to start", async () => {
    const { code, stderr } = await runToEnd(["--limit-memory", "1M", "--nice", "5", "cat"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^.{12} error processes cannot be limited as --limit-memory=1048576, --nice=5 asks: .+\n$/);
  });

  test.each([
    ["prlimit", ["--limit-cpu", "5"]],
    ["nice", ["--nice", "5"]],
  ])("is that %s is missing", async (tool, words) => {
    await using folder = await tempFolder();
    const { code, stderr } = await runToEnd([...words, "/bin/cat"], { env: { PATH: folder.path } });
    expect(code).toBe(1);
    expect(stderr.slice(13)).toBe(
      `error processes cannot be limited as ${words.join("=")} asks: ${tool}(1) is needed for that and not there\n`,
    );
  });

  test("is a niceness that the server has no right to", async () => {
    await using folder = await tempFolder();
    // What nice(1) of the GNU tools does without the right: it complains and goes on.
    const tool = '#!/bin/sh\necho "nice: cannot set niceness: Permission denied" >&2\n';
    await writeFile(folder.at("nice"), tool, { mode: 0o755 });
    const env = { PATH: `${folder.path}:${process.env["PATH"]}` };
    const { code, stderr } = await runToEnd(["--nice", "-1", "cat"], { env });
    expect(code).toBe(1);
    expect(stderr).toContain("cannot be limited as --nice=-1 asks: nice: cannot set niceness: Permission denied");
  });
});
