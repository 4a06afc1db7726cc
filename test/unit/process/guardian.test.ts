import type { Socket } from "node:net";
import { test } from "vitest";
import { Guardian } from "../../../src/process/guardian.ts";
import { PosixSpawner } from "../../../src/process/posix-spawner.ts";
import type { Spawner } from "../../../src/process/spawner.ts";
import { silentLogger } from "../../../src/logger.ts";
import { until } from "../../helpers/until.ts";

interface TalkativeGuardian extends Disposable {
  readonly guardian: Guardian;
  readonly told: () => string;
}

/** A guardian that says what it is told, instead of minding it. */
async function talkativeGuardian(): Promise<TalkativeGuardian> {
  const posix = new PosixSpawner();
  let told = "";
  const spawner: Spawner = {
    async spawn(request) {
      const spawned = await posix.spawn({ ...request, command: "cat", args: [] });
      (spawned.stdout as Socket).on("data", (chunk: Buffer) => {
        told += chunk.toString();
      });
      return spawned;
    },
    close: () => posix.close(),
  };
  const guardian = new Guardian(spawner, silentLogger);
  await guardian.start();
  return { guardian, told: () => told, [Symbol.dispose]: () => posix.close() };
}

test("it is told of starts at once, of ends along with what comes next, and of the last end by itself", async () => {
  using talkative = await talkativeGuardian();
  const { guardian, told } = talkative;
  guardian.watch(11);
  await until(() => told() === "+11\n", told);
  guardian.forget(11);
  guardian.expect(7);
  guardian.watch(12);
  guardian.started(7);
  await until(() => told() === "+11\n-11\n?7\n+12\n=7\n", told);
  guardian.forget(12);
  await until(() => told().endsWith("=7\n-12\n"), told);
  await guardian.stop();
});

test("what it was not told yet it is told before it is let go", async () => {
  using talkative = await talkativeGuardian();
  const { guardian, told } = talkative;
  guardian.watch(11);
  guardian.forget(11);
  await guardian.stop();
  await until(() => told() === "+11\n-11\n", told);
});
