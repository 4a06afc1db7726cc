import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { closeSync, openSync, unlinkSync, writeSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, type Readable } from "node:stream";
import type { ProcessExit } from "../links.ts";
import { checkDescriptorsForChild } from "../system/descriptors.ts";
import { InputPipe } from "./input-pipe.ts";
import { ProcessGroup } from "./process-group.ts";
import {
  type BaseSpawner,
  commandNotStarted,
  type SharedText,
  type SpawnedProcess,
  type SpawnRequest,
} from "./spawner.ts";

const ourStderr = 2;

/**
 * Starts programs with Node's child_process, where posix_spawn cannot be called. Its pipes are socket pairs, so
 * `/dev/stdin` and `/dev/stdout` cannot be opened by the program, and each start holds up the event loop.
 */
export class NodeSpawner implements BaseSpawner {
  async spawn(request: SpawnRequest): Promise<SpawnedProcess> {
    const { command, args, environment, inherits = [] } = request;
    const hasPipes = request.stdio === "pipes";
    const errors = request.stderr === "pipe" ? "pipe" : ourStderr;
    const [stdin, stdout] = hasPipes ? (["pipe", "pipe"] as const) : (["ignore", errors] as const);
    try {
      checkDescriptorsForChild();
      const child = spawn(command, args, {
        detached: true,
        env: Object.fromEntries(environment),
        stdio: [stdin, stdout, errors, ...inherits],
      });
      const group = new ProcessGroup((signal) => signalGroup(child.pid as number, signal));
      const exited = new Promise<ProcessExit>((resolve) => {
        child.once("exit", (code, signal) => {
          group.leaderIsGone();
          resolve({ code, signal });
        });
      });
      await once(child, "spawn");
      return {
        pid: child.pid as number,
        // Node's types hide that pipes are sockets.
        stdin: child.stdin === null ? undefined : new InputPipe(child.stdin as Socket),
        stdout: hasPipes ? (child.stdout as Socket) : undefined,
        stderr: child.stderr === null ? undefined : hasPipes ? child.stderr : merge(child.stdout, child.stderr),
        exited,
        signalGroup: (signal) => group.signal(signal),
        enlargeOutput: () => undefined,
      };
    } catch (error) {
      throw commandNotStarted(command, error);
    }
  }

  shareText(bytes: number): SharedText {
    const path = join(tmpdir(), `scalesocket-${randomUUID()}`);
    const descriptor = openSync(path, "wx+", 0o600);
    unlinkSync(path);
    // Then no disk is full when it is written to. Who inherits the descriptor reads on from where it stands, so it does not move.
    writeSync(descriptor, Buffer.alloc(bytes), 0, bytes, 0);
    let isOpen = true;
    return {
      descriptor,
      write: (text, position) => void (isOpen && writeSync(descriptor, text, position, "latin1")),
      close: () => {
        isOpen = false;
        closeSync(descriptor);
      },
    };
  }

  close(): void {
    // Node keeps track of its children itself.
  }
}

/** Returns whether there was anybody to signal. */
function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, signal);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // EPERM: all that is left of the group runs as somebody else, or is a zombie on some systems.
    if (code !== "ESRCH" && code !== "EPERM") throw error;
    return false;
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
