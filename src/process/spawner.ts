import { existsSync, statSync } from "node:fs";
import type { Socket } from "node:net";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { getSystemErrorMap } from "node:util";
import { ServerError } from "../errors.ts";
import type { ProcessExit } from "../links.ts";
import type { InputPipe } from "./input-pipe.ts";

export interface SpawnRequest {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
  /** "pipes" connects stdin and stdout with us; "none" gives an empty stdin, and as stdout what is its stderr. */
  readonly stdio: "pipes" | "none";
  /** Descriptors of ours that it has too, as 3 and following. */
  readonly inherits?: readonly number[];
  /** Told the inode of the pipe that is its stdin, before it is started; never where there is no such pipe. */
  readonly onPipe?: (inode: number) => void;
  /** Holds the pipe to its stdin open beyond its end, so that what it did not read can be told. */
  readonly keepsUnread?: boolean;
  /** Our own stderr, or a pipe to us. */
  readonly stderr: "inherit" | "pipe";
}

/** A program that runs, as the leader of a session and a process group of its own. */
export interface SpawnedProcess {
  readonly pid: number;
  /** The process's stdin and stdout, where they are pipes. The "data" of outputs may be lent: copy what outlives the event. */
  readonly stdin: InputPipe | undefined;
  readonly stdout: Socket | undefined;
  readonly stderr: Readable | undefined;
  readonly exited: Promise<ProcessExit>;
  /**
   * Signals the process's group, which may outlive the process itself; 0 is no signal. Returns whether anybody is there to be
   * signalled, a process that nobody has waited for included.
   */
  signalGroup(signal: NodeJS.Signals | 0): boolean;
  /** Lets the process write more before it has to wait, where that can be had. */
  enlargeOutput(): void;
  /** Lets go of the pipe to its stdin, and tells how many bytes are in it. Only where that was kept, and can be. */
  readonly releaseInput?: () => number;
}

/** A file without a name: a process that inherits the descriptor finds in it what this one wrote, also when this one is gone. */
export interface SharedText {
  readonly descriptor: number;

  /** Latin-1 text at this place, in bytes. Does nothing once it is closed. */
  write(text: string, position: number): void;
  close(): void;
}

/** A way to start programs. */
export interface Spawner {
  /** @throws ServerError ERR_COMMAND_NOT_STARTED */
  spawn(request: SpawnRequest): Promise<SpawnedProcess>;
}

/** One that starts them by itself, not by way of another. */
export interface BaseSpawner extends Spawner {
  /**
   * So many bytes, all of them NUL.
   * @throws Error of the system, where it has no place for them.
   */
  shareText(bytes: number): SharedText;

  /** Lets go of what it holds on to. Call it when all processes are gone. */
  close(): void;
}

/** What ENOEXEC means, for which Node has no words. */
const notExecutable = "neither a program for this machine nor a script";

/** What ENOENT means where the file itself is there. */
const noInterpreter = "its interpreter is not there (does its first line end in \\r\\n?)";

/** What ENOENT means where the command is written as on the command line of a shell. */
const noArguments = "no such file or directory (arguments stand behind --, or in args, each by itself)";

/** What EACCES means where the file may be executed by nobody, and where it is no file. */
const noProgram = "permission denied (it is not executable: chmod +x)";
const noFile = "permission denied (it is a folder)";

/** The bits of a file's mode by which owner, group or others may execute it. */
const anybodyExecutes = 0o111;

/** The error of a command that did not start, from one of the operating system; where that can be guessed, it tells what to write instead. */
export function commandNotStarted(command: string, error: unknown): ServerError {
  return notStarted(command, error, adviceOn(command, errnoOf(error)));
}

/** The error of what did not start, from one of the operating system. */
export function notStarted(what: string, error: unknown, reason = reasonOf(error)): ServerError {
  return new ServerError("ERR_COMMAND_NOT_STARTED", `cannot start ${what}: ${reason}`, { cause: error });
}

function adviceOn(command: string, errno: number): string | undefined {
  const isPath = command.includes("/");
  if (errno === -constants.errno.EACCES) return isPath ? adviceOnMode(command) : undefined;
  if (errno !== -constants.errno.ENOENT) return undefined;
  // Without a slash it is no file of this folder.
  if (existsSync(command)) return isPath ? noInterpreter : `no such command (the file in this folder is ./${command})`;
  return /\s/.test(command) ? noArguments : undefined;
}

function adviceOnMode(path: string): string | undefined {
  const file = existsSync(path) ? statSync(path, { throwIfNoEntry: false }) : undefined;
  if (file === undefined) return undefined;
  if (file.isDirectory()) return noFile;
  return (file.mode & anybodyExecutes) === 0 ? noProgram : undefined;
}

function reasonOf(error: unknown): string {
  const errno = errnoOf(error);
  if (errno === -constants.errno.ENOEXEC) return notExecutable;
  return getSystemErrorMap().get(errno)?.[1] ?? String(error);
}

/** As libuv has it, below 0; 0 where there is none. */
function errnoOf(error: unknown): number {
  return error instanceof Error && "errno" in error ? Number(error.errno) : 0;
}
