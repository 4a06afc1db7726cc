import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import type { Readable } from "node:stream";
import { describe, expect, test, vi } from "vitest";
import { ServerError } from "../../src/errors.ts";
import { prepareLimits } from "../../src/process/limited-spawner.ts";
import { NodeSpawner } from "../../src/process/node-spawner.ts";
import { PosixSpawner } from "../../src/process/posix-spawner.ts";
import { ProcessCalls } from "../../src/process/process-calls.ts";
import type { BaseSpawner, SpawnedProcess, Spawner, SpawnRequest } from "../../src/process/spawner.ts";
import { allGone, childrenOf, isAlive, placeOf } from "../helpers/processes.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";

const limits = { limitMemoryBytes: 2 ** 40, limitCpuSeconds: 1000, limitFiles: 500, nice: 1 };
const limit = await prepareLimits(limits, process.env["PATH"]);

const spawners: readonly (readonly [string, () => OpenedSpawner])[] = [
  ["PosixSpawner", () => opened(new PosixSpawner())],
  ["NodeSpawner", () => opened(new NodeSpawner())],
  ["PosixSpawner with limits", () => opened(new PosixSpawner(), limit)],
  ["NodeSpawner with limits", () => opened(new NodeSpawner(), limit)],
];

const environment = new Map([["PATH", process.env["PATH"] ?? ""]]);

describe.each(spawners)("%s", (_, create) => {
  test("a process reads its stdin and writes its stdout", async () => {
    using spawner = create();
    const { stdin, stdout, exited } = await spawner.run("cat");
    stdin.end("hello");
    expect(await textOf(stdout)).toBe("hello");
    expect(await exited).toEqual({ code: 0, signal: null });
  });

  test("arguments and the environment arrive as they are, and nothing else does", async () => {
    using spawner = create();
    const variables = new Map([...environment, ["A", "b = c\nd"], ["EMPTY", ""], ["\u00e9", "\u{1f600}"]]);
    const env = await spawner.run("env", ["-0"], { environment: variables });
    const expected = [...variables].map(([name, value]) => `${name}=${value}\0`);
    expect((await textOf(env.stdout)).split(/(?<=\0)/).toSorted()).toEqual(expected.toSorted());
    const printf = await spawner.run("printf", ["%s|", "", "two words", "$HOME *", "\u00e9\n"]);
    expect(await textOf(printf.stdout)).toBe("|two words|$HOME *|\u00e9\n|");
  });

  test.each([0, 1, 255])("exit code %i is told", async (code) => {
    using spawner = create();
    const { exited } = await spawner.sh(`exit ${code}`);
    expect(await exited).toEqual({ code, signal: null });
  });

  test.each(["SIGTERM", "SIGKILL", "SIGSEGV"] as const)("the signal %s that ends a process is told", async (signal) => {
    using spawner = create();
    const { pid, exited } = await spawner.run("sleep", ["100"]);
    process.kill(pid, signal);
    expect(await exited).toEqual({ code: null, signal });
  });

  test.each([
    ["there-is-no-such-command", "no such file or directory"],
    ["/there/is/no/such/command", "no such file or directory"],
    ["sh -c true", "no such file or directory (arguments stand behind --, or in args, each by itself)"],
    ["package.json", "no such command (the file in this folder is ./package.json)"],
    ["/etc/passwd", "permission denied (it is not executable: chmod +x)"],
    ["/", "permission denied (it is a folder)"],
  ])("%s cannot be started, with the reason", async (command, reason) => {
    using spawner = create();
    const error: unknown = await spawner.run(command).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ServerError);
    expect(error).toMatchObject({
      code: "ERR_COMMAND_NOT_STARTED",
      message: `cannot start ${command}: ${reason}`,
      cause: expect.any(Error),
    });
  });

  test.each(["#!/bin/sh\r\n", "#!/no/such/interpreter\n"])(
    "a script that begins with %j is said to be there",
    async (head) => {
      await using folder = await tempFolder();
      writeFileSync(folder.at("script"), `${head}echo hello\n`, { mode: 0o755 });
      using spawner = create();
      await expect(spawner.run(folder.at("script"))).rejects.toThrow(
        "its interpreter is not there (does its first line end in \\r\\n?)",
      );
    },
  );

  test("a process leads a session and a group of its own, which can be signalled as a whole", async () => {
    using spawner = create();
    const spawned = await spawner.sh("sleep 100 & echo $!; wait");
    const { pid, stdout, exited } = spawned;
    const [line] = await once(stdout, "data");
    const child = Number(line);
    expect(placeOf(pid)).toEqual({ group: pid, session: pid });
    expect(placeOf(child)).toEqual({ group: pid, session: pid });
    spawned.signalGroup("SIGKILL");
    expect(await exited).toMatchObject({ signal: "SIGKILL" });
    await allGone([pid, child]);
    // A group that is gone is no error.
    spawned.signalGroup("SIGKILL");
  });

  test("what is left of a group when its leader is gone can be signalled", async () => {
    using spawner = create();
    const spawned = await spawner.sh("sleep 100 & echo $!");
    const [line] = await once(spawned.stdout, "data");
    await spawned.exited;
    spawned.signalGroup("SIGKILL");
    await allGone([Number(line)]);
  });

  test("a group of which nothing is left is signalled no more, as its number may be another's", async () => {
    using spawner = create();
    const spawned = await spawner.sh("exit 0");
    await spawned.exited;
    using byNode = vi.spyOn(process, "kill");
    using byLibrary = vi.spyOn(ProcessCalls.prototype, "signalGroup");
    spawned.signalGroup("SIGKILL");
    expect(byNode).not.toHaveBeenCalled();
    expect(byLibrary).not.toHaveBeenCalled();
  });

  test("large input and output arrive whole", async () => {
    using spawner = create();
    const { stdin, stdout, exited } = await spawner.run("cat");
    const bytes = Buffer.alloc(10_000_000, "0123456789abcdef\n");
    stdin.end(bytes);
    const digest = createHash("md5").update(await bytesOf(stdout));
    expect(digest.digest("hex")).toBe(createHash("md5").update(bytes).digest("hex"));
    expect(await exited).toMatchObject({ code: 0 });
  });

  test("what a process wrote before it exited can be read afterwards", async () => {
    using spawner = create();
    const { stdout, exited } = await spawner.sh("echo last words; exit 3");
    const output = textOf(stdout);
    expect(await exited).toMatchObject({ code: 3 });
    expect(await output).toBe("last words\n");
  });

  test("stdout ends when the process closes it, and the process may live on", async () => {
    using spawner = create();
    const { pid, stdin, stdout, exited } = await spawner.sh("echo hello; exec >&-; read -r _; exit 2");
    expect(await textOf(stdout)).toBe("hello\n");
    expect(isAlive(pid)).toBe(true);
    stdin.end("\n");
    expect(await exited).toMatchObject({ code: 2 });
  });

  test("a process has the descriptors that it inherits, and reads there what is shared with it", async () => {
    using spawner = create();
    const [first, second] = [spawner.shareText(4096), spawner.shareText(4096)];
    first.write("written before\n", 16);
    const inherits = [first.descriptor, second.descriptor];
    const script = "read -r _; { cat <&3; cat <&4; } | tr -d '\\000'";
    const { stdin, stdout } = await spawner.run("sh", ["-c", script], { inherits });
    first.write("and while it runs\n", 1024);
    second.write("and elsewhere\n", 0);
    stdin.end("go\n");
    expect(await textOf(stdout)).toBe("written before\nand while it runs\nand elsewhere\n");
    for (const shared of [first, second]) shared.close();
    first.write("no longer", 0);
  });

  test.each(["end", "destroy"] as const)("a pipe to stdin can be closed before it is used, by %s", async (close) => {
    using spawner = create();
    const { stdin, exited } = await spawner.spawn(request("cat", [], {}));
    const descriptors = readdirSync("/proc/self/fd").length;
    stdin?.[close]();
    stdin?.[close]();
    expect(await exited).toMatchObject({ code: 0 });
    await until(() => readdirSync("/proc/self/fd").length < descriptors, "the descriptor to be closed");
  });

  test("without pipes stdin is empty, and there is nothing to write to or to read from", async () => {
    using spawner = create();
    const spawned = await spawner.spawn(request("sh", ["-c", "wc -c | grep -qx 0"], { stdio: "none" }));
    expect(spawned.stdin).toBeUndefined();
    expect(spawned.stdout).toBeUndefined();
    expect(await spawned.exited).toEqual({ code: 0, signal: null });
  });

  test("stderr comes to us where that is asked for, apart from stdout", async () => {
    using spawner = create();
    const spawned = await spawner.run("sh", ["-c", "echo out; echo err >&2; exit 2"], { stderr: "pipe" });
    const { stdout, stderr, exited } = spawned;
    expect(await Promise.all([textOf(stdout), textOf(stderr as Readable)])).toEqual(["out\n", "err\n"]);
    expect(await exited).toMatchObject({ code: 2 });
    expect((await spawner.run("true")).stderr).toBeUndefined();
  });

  test("without pipes for stdin and stdout, what is written to stdout comes with stderr", async () => {
    using spawner = create();
    const script = "wc -c; echo err >&2; echo out";
    const spawned = await spawner.spawn(request("sh", ["-c", script], { stdio: "none", stderr: "pipe" }));
    expect([spawned.stdin, spawned.stdout]).toEqual([undefined, undefined]);
    const lines = (await textOf(spawned.stderr as Readable)).split("\n").map((line) => line.trim());
    expect(lines.toSorted()).toEqual(["", "0", "err", "out"]);
    expect(await spawned.exited).toMatchObject({ code: 0 });
  });

  test("many processes at once are all told apart", async () => {
    using spawner = create();
    const codes = Array.from({ length: 60 }, (_each, index) => index);
    const ends = codes.map(async (code) => {
      const { stdout, exited } = await spawner.sh(`echo ${code}; exit ${code}`);
      const [output, exit] = await Promise.all([textOf(stdout), exited]);
      return [output, exit.code];
    });
    expect(await Promise.all(ends)).toEqual(codes.map((code) => [`${code}\n`, code]));
  });

  test("starts that fail keep none of those that wait behind them from starting", async () => {
    using spawner = create();
    const failed = Array.from({ length: 30 }, async () => spawner.run("there-is-no-such-command"));
    const started = Array.from({ length: 30 }, async () => (await spawner.sh("exit 5")).exited);
    expect((await Promise.allSettled(failed)).map(({ status }) => status)).toEqual(failed.map(() => "rejected"));
    expect(await Promise.all(started)).toEqual(started.map(() => ({ code: 5, signal: null })));
  });

  test("no process is left behind, not even as a zombie", async () => {
    using spawner = create();
    const before = childrenOf(process.pid);
    const spawned = await Promise.all(Array.from({ length: 10 }, async () => spawner.run("true")));
    await Promise.all(spawned.map(async ({ exited }) => exited));
    const ours = new Set(spawned.map(({ pid }) => pid));
    expect(childrenOf(process.pid).filter((pid) => ours.has(pid) && !before.includes(pid))).toEqual([]);
  });

  test("children that somebody else has started in this process are left to them", async () => {
    using spawner = create();
    const foreign = Array.from({ length: 5 }, (_each, index) => spawn("sh", ["-c", `exit ${index}`]));
    const codes = foreign.map(async (child) => (await once(child, "exit"))[0] as number);
    const ours = Array.from({ length: 5 }, async () => (await spawner.sh("exit 9")).exited);
    expect(await Promise.all(codes)).toEqual([0, 1, 2, 3, 4]);
    expect((await Promise.all(ours)).map(({ code }) => code)).toEqual([9, 9, 9, 9, 9]);
  });

  test("two spawners in one process do not take each other's children", async () => {
    using first = create();
    using second = create();
    const [one, other] = await Promise.all([first.sh("exit 1"), second.sh("exit 2")]);
    expect(await Promise.all([one.exited, other.exited])).toMatchObject([{ code: 1 }, { code: 2 }]);
  });
});

test("a program for another machine is not run by the shell, and the reason says what it is not", async () => {
  await using folder = await tempFolder();
  writeFileSync(folder.at("foreign"), Buffer.from("\x7fELF\0\0\0\0\n"), { mode: 0o755 });
  using spawner = opened(new PosixSpawner());
  await expect(spawner.run(folder.at("foreign"))).rejects.toMatchObject({
    code: "ERR_COMMAND_NOT_STARTED",
    message: `cannot start ${folder.at("foreign")}: neither a program for this machine nor a script`,
  });
});

describe("a pipe to stdin that is kept", () => {
  test("tells what the process did not read, and takes writes as before when it has closed its end", async () => {
    using spawner = opened(new PosixSpawner());
    const { stdin, exited, releaseInput } = await spawner.run("sh", ["-c", "read -r _; exec <&-; sleep 0.1"], {
      keepsUnread: true,
    });
    stdin.write("read\nnot read\n");
    await exited;
    stdin.write("neither\n");
    expect(releaseInput?.()).toBe("not read\nneither\n".length);
    stdin.destroy();
  });

  test("does not keep the process from seeing the end of its input", async () => {
    using spawner = opened(new PosixSpawner());
    const { stdin, stdout, exited, releaseInput } = await spawner.run("cat", [], { keepsUnread: true });
    stdin.end("all");
    expect(await textOf(stdout)).toBe("all");
    await exited;
    expect(releaseInput?.()).toBe(0);
  });

  test.each(spawners)("is there only where it was asked for, and can be had (%s)", async (_, create) => {
    using spawner = create();
    const { stdin, exited, releaseInput } = await spawner.run("cat");
    expect(releaseInput).toBeUndefined();
    stdin.end();
    await exited;
  });
});

/** A process with pipes. */
type Piped = Omit<SpawnedProcess, "stdin" | "stdout"> & {
  stdin: Socket;
  stdout: Socket;
};

interface OpenedSpawner extends Omit<BaseSpawner, "close">, Disposable {
  /** Starts a command with pipes. */
  run(command: string, args?: readonly string[], changes?: Partial<SpawnRequest>): Promise<Piped>;
  sh(script: string): Promise<Piped>;
}

/** The spawner for the time of one test, as it is or in what makes it keep to limits. */
function opened(base: BaseSpawner, limited: (spawner: Spawner) => Spawner = (spawner) => spawner): OpenedSpawner {
  const spawner = limited(base);
  const run: OpenedSpawner["run"] = async (command, args = [], changes = {}) => {
    const spawned = await spawner.spawn(request(command, args, changes));
    return { ...spawned, stdin: spawned.stdin?.use() as Socket, stdout: spawned.stdout as Socket };
  };
  return {
    spawn: async (asked) => spawner.spawn(asked),
    shareText: (bytes) => base.shareText(bytes),
    run,
    sh: async (script) => run("sh", ["-c", script]),
    [Symbol.dispose]() {
      base.close();
    },
  };
}

function request(command: string, args: readonly string[], changes: Partial<SpawnRequest>): SpawnRequest {
  return { command, args, environment, stdio: "pipes", stderr: "inherit", ...changes };
}

async function textOf(output: Readable): Promise<string> {
  return (await bytesOf(output)).toString();
}

/** All that comes, copied when it comes, since it may only be lent. */
async function bytesOf(output: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  output.on("data", (chunk: Buffer) => chunks.push(Buffer.from(chunk)));
  await once(output, "end");
  return Buffer.concat(chunks);
}
