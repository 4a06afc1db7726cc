import { EventEmitter, once } from "node:events";
import type { Socket } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { silentLogger } from "../../../src/logger.ts";
import { Guardian } from "../../../src/process/guardian.ts";
import type { InputPipe } from "../../../src/process/input-pipe.ts";
import { NodeSpawner } from "../../../src/process/node-spawner.ts";
import { PosixSpawner } from "../../../src/process/posix-spawner.ts";
import type { BaseSpawner, SpawnedProcess, Spawner } from "../../../src/process/spawner.ts";
import { findProgram, thisMachine } from "../../helpers/machine.ts";
import { allGone, isAlive } from "../../helpers/processes.ts";

const environment = new Map([["PATH", process.env["PATH"] ?? ""]]);

async function startSleep(spawner: Spawner, onPipe?: (inode: number) => void): Promise<SpawnedProcess> {
  const request = { command: "sleep", args: ["100"], environment, stdio: "pipes", stderr: "inherit" } as const;
  const spawned = await spawner.spawn(onPipe === undefined ? request : { ...request, onPipe });
  onTestFinished(() => void spawned.signalGroup("SIGKILL"));
  return spawned;
}

test.each([
  ["PosixSpawner", () => new PosixSpawner()],
  ["NodeSpawner", () => new NodeSpawner()],
])("it ends what runs when it is let go, and nothing that is told to be gone (%s)", async (_, create) => {
  const spawner = create();
  const guardian = new Guardian(spawner, silentLogger);
  await guardian.start();
  const [first, second, other] = [await startSleep(spawner), await startSleep(spawner), await startSleep(spawner)];
  guardian.guard().runs(first.pid);
  const guarded = guardian.guard();
  guarded.runs(other.pid);
  guarded.isGone();
  guardian.guard().runs(second.pid);
  await guardian.stop();
  await allGone([first.pid, second.pid]);
  expect(isAlive(other.pid)).toBe(true);
  spawner.close();
});

test("it ends a process of which it knows the pipe alone", async () => {
  const spawner = new PosixSpawner();
  const guardian = new Guardian(spawner, silentLogger);
  await guardian.start();
  const guarded = guardian.guard();
  const { pid } = await startSleep(spawner, (pipe) => guarded.isStarting(pipe));
  await guardian.stop();
  await allGone([pid]);
  spawner.close();
});

/** Starts it as somebody else where this is root, who may always fork. */
async function startWithoutPrivileges(
  spawner: Spawner,
  words: readonly string[],
  inherits: readonly number[] = [],
): Promise<SpawnedProcess> {
  const user = thisMachine.isRoot ? ["setpriv", "--reuid=65534", "--clear-groups", "--"] : [];
  const [command, ...args] = [...user, ...words] as [string, ...string[]];
  return spawner.spawn({ command, args, inherits, environment, stdio: "pipes", stderr: "inherit" });
}

// Other shells try again for a while (bash for 15 s).
test.skipIf(findProgram(thisMachine, "dash") === undefined)(
  "where it cannot fork, it ends what runs all the same, also what ignores SIGTERM",
  async () => {
    const spawner = new PosixSpawner();
    const guardianSpawner: BaseSpawner = {
      ...fleetingSpawner().spawner,
      shareText: (bytes) => spawner.shareText(bytes),
      spawn: async ({ args, inherits }) =>
        startWithoutPrivileges(spawner, ["prlimit", "--nproc=0", "dash", ...args], inherits),
    };
    const guardian = new Guardian(guardianSpawner, silentLogger);
    await guardian.start();
    const startGuarded = async (script: string): Promise<SpawnedProcess> => {
      const spawned = await startWithoutPrivileges(spawner, ["sh", "-c", script]);
      onTestFinished(() => void spawned.signalGroup("SIGKILL"));
      guardian.guard().runs(spawned.pid);
      await once(spawned.stdout as Socket, "data");
      return spawned;
    };
    const polite = await startGuarded("echo; exec sleep 100");
    const ignoring = await startGuarded("trap '' TERM; echo; exec sleep 100");
    await guardian.stop();
    expect(await polite.exited).toEqual({ code: null, signal: "SIGTERM" });
    expect(await ignoring.exited).toEqual({ code: null, signal: "SIGKILL" });
    spawner.close();
  },
);

/** Starts nothing: each process it tells of is gone at once. */
function fleetingSpawner() {
  let starts = 0;
  const spawner: BaseSpawner = {
    async spawn() {
      starts += 1;
      return { exited: Promise.resolve({ code: 0, signal: null }) } as SpawnedProcess;
    },
    shareText: () => ({ descriptor: 3, write: () => undefined, close: () => undefined }),
    close: () => undefined,
  };
  return { spawner, starts: () => starts };
}

test("it is started again however often it ends, until it is let go", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { spawner, starts } = fleetingSpawner();
  const guardian = new Guardian(spawner, silentLogger);
  await guardian.start();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(starts()).toBe(21);
  await guardian.stop();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(starts()).toBe(21);
});

test("one that has lived for long is followed at once", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { spawner, starts } = fleetingSpawner();
  const death = new EventEmitter();
  const exited = once(death, "death").then(() => ({ code: null, signal: "SIGKILL" as const }));
  const guardian = new Guardian(
    {
      ...spawner,
      async spawn(request) {
        const spawned = await spawner.spawn(request);
        return starts() === 1 ? { ...spawned, exited } : spawned;
      },
    },
    silentLogger,
  );
  await guardian.start();
  await vi.advanceTimersByTimeAsync(20_000);
  death.emit("death");
  await vi.advanceTimersByTimeAsync(0);
  expect(starts()).toBe(2);
  await guardian.stop();
});

test("one that is just being started again is ended when it is let go, and nothing is started after it", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { spawner, starts } = fleetingSpawner();
  const end = vi.fn();
  const isThere = new EventEmitter();
  const guardian = new Guardian(
    {
      ...spawner,
      async spawn(request) {
        const spawned = await spawner.spawn(request);
        if (starts() === 1) return spawned;
        await once(isThere, "yes");
        return { ...spawned, stdin: { end, destroy: end } as unknown as InputPipe };
      },
    },
    silentLogger,
  );
  await guardian.start();
  await vi.advanceTimersByTimeAsync(1000);
  expect(starts()).toBe(2);
  const stopped = guardian.stop();
  isThere.emit("yes");
  await stopped;
  expect(end).toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(starts()).toBe(2);
});

function shareText(): never {
  throw Object.assign(new Error("EFBIG: file too large, ftruncate"), { errno: -27 });
}

test("where there is no place for what it is told, it says so", async () => {
  const guardian = new Guardian({ ...fleetingSpawner().spawner, shareText }, silentLogger);
  await expect(guardian.start()).rejects.toMatchObject({
    code: "ERR_COMMAND_NOT_STARTED",
    message: "cannot start the guardian of processes: file too large",
  });
});

test("it takes any number of processes one after the other, but not more than 65,536 at once", async () => {
  const guardian = new Guardian(fleetingSpawner().spawner, silentLogger);
  for (let count = 0; count < 70_000; count += 1) guardian.guard().isGone();
  for (let count = 0; count < 65_536; count += 1) guardian.guard();
  expect(() => guardian.guard()).toThrow("cannot start a process: there are 65536 of them already");
});
