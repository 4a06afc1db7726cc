import { closeSync, fstatSync } from "node:fs";
import type { Socket } from "node:net";
import { constants } from "node:os";
import pLimit from "p-limit";
import { LendingSocket } from "../system/lending-socket.ts";
import { InputPipe } from "./input-pipe.ts";
import { ProcessCalls, type Pipe, type WaitStatus } from "./process-calls.ts";
import { ProcessGroup } from "./process-group.ts";
import { Reaper } from "./reaper.ts";
import { resolveCommand, standardPath } from "./resolve-command.ts";
import {
  type BaseSpawner,
  commandNotStarted,
  type SharedText,
  type SpawnedProcess,
  type SpawnRequest,
} from "./spawner.ts";

const ourStderr = 2;
/** koffi keeps memory ready for as many calls, refuses far more, and the pool has no more threads than that. */
const maxSpawnsAtOnce = 8;

const largePipeBytes = 1024 * 1024;
/** Linux gives all pipes of a user 64 MiB in all; the others are to keep most of that. */
const maxLargePipes = 16;

/** Starts programs with posix_spawn(3) on real pipes: it neither forks this process nor holds up its event loop. */
export class PosixSpawner implements BaseSpawner {
  readonly #calls: ProcessCalls;
  readonly #reaper: Reaper;
  #largePipes = 0;
  readonly #inTurn = pLimit(maxSpawnsAtOnce);

  /** @throws where the C library cannot be called. */
  constructor() {
    this.#calls = new ProcessCalls();
    this.#reaper = new Reaper(this.#calls);
  }

  async spawn(request: SpawnRequest): Promise<SpawnedProcess> {
    return this.#inTurn(() => this.#spawn(request));
  }

  shareText(bytes: number): SharedText {
    return this.#calls.shareMemory(bytes);
  }

  close(): void {
    this.#reaper.close();
  }

  async #spawn(request: SpawnRequest): Promise<SpawnedProcess> {
    const descriptors: number[] = [];
    const pipe = (): Pipe => {
      const ends = this.#calls.pipe();
      descriptors.push(ends.readEnd, ends.writeEnd);
      return ends;
    };
    try {
      // A pipe that nobody writes to is as good as /dev/null, and tells whose it is.
      const stdin = pipe();
      const stdout = request.stdio === "pipes" ? pipe() : undefined;
      const stderr = request.stderr === "pipe" ? pipe() : undefined;
      const errors = stderr?.writeEnd ?? ourStderr;
      request.onPipe?.(fstatSync(stdin.readEnd).ino);
      const { inherits = [] } = request;
      const pid = await this.#start(request, [stdin.readEnd, stdout?.writeEnd ?? errors, errors, ...inherits]);
      const hasInput = request.stdio === "pipes";
      const keeps = request.keepsUnread === true && hasInput;
      if (!keeps) closeSync(stdin.readEnd);
      if (!hasInput) closeSync(stdin.writeEnd);
      for (const theirs of [stdout, stderr]) if (theirs !== undefined) closeSync(theirs.writeEnd);
      const group = new ProcessGroup((signal) => this.#calls.signalGroup(pid, signal));
      const exited = this.#exit(pid, group);
      return {
        ...(keeps ? { releaseInput: () => this.#releaseInput(stdin.readEnd) } : {}),
        pid,
        stdin: hasInput ? new InputPipe(stdin.writeEnd) : undefined,
        stdout: stdout && openOutput(stdout),
        stderr: stderr && openOutput(stderr),
        exited,
        signalGroup: (signal) => group.signal(signal),
        enlargeOutput: () => void (stdout && this.#enlarge(stdout.readEnd, exited)),
      };
    } catch (error) {
      for (const descriptor of descriptors) closeSync(descriptor);
      throw commandNotStarted(request.command, error);
    }
  }

  async #start(request: SpawnRequest, descriptors: readonly number[]): Promise<number> {
    const { command, args } = request;
    const environment = this.#calls.stringArray(Array.from(request.environment, ([name, value]) => `${name}=${value}`));
    const start = (file: string, argv: readonly string[]): Promise<number> =>
      this.#calls.spawn(file, this.#calls.stringArray(argv), environment, descriptors);
    try {
      return await start(command, [command, ...args]);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).errno !== -constants.errno.ENOEXEC) throw error;
      // A script without `#!` is run by the shell, as a shell itself would do.
      const [file = "", ...script] = await resolveCommand(command, this.#calls.searchPath ?? standardPath);
      if (script.length === 0) throw error;
      return start(file, [file, ...script, ...args]);
    }
  }

  async #enlarge(descriptor: number, exited: Promise<unknown>): Promise<void> {
    if (this.#largePipes === maxLargePipes || !this.#calls.enlargePipe(descriptor, largePipeBytes)) return;
    this.#largePipes += 1;
    await exited;
    this.#largePipes -= 1;
  }

  #releaseInput(readEnd: number): number {
    const bytes = this.#calls.bytesInPipe(readEnd);
    closeSync(readEnd);
    return bytes;
  }

  #exit(pid: number, group: ProcessGroup): Promise<WaitStatus> {
    return new Promise((resolve) => {
      this.#reaper.watch(pid, (status) => {
        group.leaderIsGone();
        resolve(status);
      });
    });
  }
}

function openOutput({ readEnd }: Pipe): Socket {
  return new LendingSocket({ fd: readEnd, readable: true, writable: false });
}
