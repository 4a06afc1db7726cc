import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import type { ProcessExit } from "../links.ts";
import { notStarted, type SpawnedProcess, type Spawner, type SpawnRequest } from "./spawner.ts";

const ourStderr = 2;

/**
 * Starts programs with Node's child_process, where posix_spawn cannot be called. Its pipes are socket pairs, so
 * `/dev/stdin` and `/dev/stdout` cannot be opened by the program, and each start holds up the event loop.
 */
export class NodeSpawner implements Spawner {
  async spawn(request: SpawnRequest): Promise<SpawnedProcess> {
    const { command, args, environment } = request;
    const hasPipes = request.stdio === "pipes";
    try {
      const child = spawn(command, args, {
        detached: true,
        env: Object.fromEntries(environment),
        stdio: hasPipes ? ["pipe", request.stdout ?? "pipe", ourStderr] : ["ignore", ourStderr, ourStderr],
      });
      const exited = new Promise<ProcessExit>((resolve) => {
        child.once("exit", (code, signal) => resolve({ code, signal }));
      });
      await once(child, "spawn");
      return {
        pid: child.pid as number,
        // Node's types hide that pipes are sockets.
        stdin: (child.stdin ?? undefined) as Socket | undefined,
        stdout: (child.stdout ?? undefined) as Socket | undefined,
        exited,
        signalGroup: (signal) => signalGroup(child.pid as number, signal),
        enlargeOutput: () => undefined,
      };
    } catch (error) {
      throw notStarted(command, error);
    }
  }

  close(): void {
    // Node keeps track of its children itself.
  }
}

function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // EPERM: all that is left of the group runs as somebody else, or is a zombie on some systems.
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}
