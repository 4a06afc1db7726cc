import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { PassThrough, type Readable } from "node:stream";
import type { ProcessExit } from "../links.ts";
import { InputPipe } from "./input-pipe.ts";
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
    const errors = request.stderr === "pipe" ? "pipe" : ourStderr;
    try {
      const child = spawn(command, args, {
        detached: true,
        env: Object.fromEntries(environment),
        stdio: hasPipes ? ["pipe", request.stdout ?? "pipe", errors] : ["ignore", errors, errors],
      });
      const exited = new Promise<ProcessExit>((resolve) => {
        child.once("exit", (code, signal) => resolve({ code, signal }));
      });
      await once(child, "spawn");
      return {
        pid: child.pid as number,
        // Node's types hide that pipes are sockets.
        stdin: child.stdin === null ? undefined : new InputPipe(child.stdin as Socket),
        stdout: hasPipes ? ((child.stdout ?? undefined) as Socket | undefined) : undefined,
        stderr: child.stderr === null ? undefined : hasPipes ? child.stderr : merge(child.stdout, child.stderr),
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

/** Both outputs as one: where the process is to have them on one pipe, Node cannot make it. */
function merge(...outputs: readonly (Readable | null)[]): Readable {
  const merged = new PassThrough();
  const sources = outputs.filter((output) => output !== null);
  let open = sources.length;
  for (const source of sources) {
    source.pipe(merged, { end: false });
    source.on("error", () => undefined);
    source.on("close", () => {
      open -= 1;
      if (open === 0) merged.end();
    });
  }
  merged.on("close", () => {
    for (const source of sources) source.destroy();
  });
  return merged;
}
