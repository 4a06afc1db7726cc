import { closeSync, ftruncateSync } from "node:fs";
import { constants } from "node:os";
import { type CLibrary, loadCLibrary, systemError } from "../system/c-library.ts";
import type { SharedText } from "./spawner.ts";

/** Larger than any C library's posix_spawnattr_t, posix_spawn_file_actions_t, sigset_t or siginfo_t. */
const opaqueBytes = 1024;

// <fcntl.h>, <spawn.h>, <sys/mman.h> and <sys/wait.h>
const O_CLOEXEC = 0o2000000;
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
const POSIX_SPAWN_SETSID = 0x80;
const MFD_CLOEXEC = 1;
const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_FAILED = 0xffff_ffff_ffff_ffffn;
const F_SETPIPE_SZ = 1031;
const FIONREAD = 0x541b;
const P_ALL = 0;
const WNOHANG = 0x1;
const WEXITED = 0x4;
const WNOWAIT = 0x0100_0000;
/** Where a 64-bit siginfo_t has its `si_pid`. */
const siginfoPidOffset = 16;

type SpawnCallback = (error: Error | null, errno: number) => void;

/** Our descriptors of both ends of a pipe. */
export interface Pipe {
  readonly readEnd: number;
  readonly writeEnd: number;
}

/** A C array of strings (`char *const []`): `pointers` is passed, `text` must live as long. */
export interface StringArray {
  readonly pointers: BigUint64Array;
  readonly text: Buffer;
}

/** How a child of this process ended, as waitpid(2) tells it. */
export interface WaitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The calls of the C library about processes that Node does not offer. */
export class ProcessCalls {
  readonly #library: CLibrary;
  readonly #functions: ReturnType<typeof bind>;
  readonly #attributes: Buffer;
  // What calls write their results to that are over when they return.
  readonly #pipeEnds = new Int32Array(2);
  readonly #status = new Int32Array(1);
  readonly #info = Buffer.alloc(opaqueBytes);

  /** @throws where the C library, or one of its functions, cannot be called. */
  constructor() {
    this.#library = loadCLibrary();
    this.#functions = bind(this.#library);
    this.#attributes = this.#createAttributes();
  }

  /** A pipe that no other process inherits. */
  pipe(): Pipe {
    if (this.#functions.pipe2(this.#pipeEnds, O_CLOEXEC) !== 0) throw this.#library.lastError("pipe2");
    return { readEnd: this.#pipeEnds[0] as number, writeEnd: this.#pipeEnds[1] as number };
  }

  /** Makes room for more bytes in a pipe; false where the system does not allow as many. */
  enlargePipe(descriptor: number, bytes: number): boolean {
    return this.#functions.fcntl(descriptor, F_SETPIPE_SZ, "int", bytes) >= bytes;
  }

  /** How many bytes a pipe holds that nobody has read. */
  bytesInPipe(descriptor: number): number {
    const count = new Int32Array(1);
    if (this.#functions.ioctl(descriptor, FIONREAD, "void *", count) !== 0) throw this.#library.lastError("ioctl");
    return count[0] as number;
  }

  /** Memory that has a descriptor, as if it were a file, which no other process inherits unless it is given it. */
  shareMemory(bytes: number): SharedText {
    const { memfd_create, mmap, munmap } = this.#functions;
    const descriptor = memfd_create("scalesocket", MFD_CLOEXEC);
    if (descriptor === -1) throw this.#library.lastError("memfd_create");
    let address: bigint;
    try {
      ftruncateSync(descriptor, bytes);
      address = mmap(null, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
      if (address === MAP_FAILED) throw this.#library.lastError("mmap");
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    let memory: Buffer | undefined = Buffer.from(this.#library.koffi.view(address, bytes));
    return {
      descriptor,
      write: (text, position) => void memory?.write(text, position, "latin1"),
      close: () => {
        // Whoever touched it now would be ended by the system.
        memory = undefined;
        munmap(address, bytes);
        closeSync(descriptor);
      },
    };
  }

  stringArray(strings: readonly string[]): StringArray {
    const joined = `${strings.join("\0")}\0`;
    const text = Buffer.from(joined);
    // Then all is ASCII, and nobody has to be asked how long a string is in bytes.
    const isPlain = text.length === joined.length;
    const start = this.#library.koffi.address(text);
    const pointers = new BigUint64Array(strings.length + 1);
    let offset = 0;
    for (const [index, string] of strings.entries()) {
      pointers[index] = start + BigInt(offset);
      offset += (isPlain ? string.length : Buffer.byteLength(string)) + 1;
    }
    return { pointers, text };
  }

  /**
   * Starts a program on a thread of the pool, in a session of its own, with default signals and with no descriptors but
   * the given ones, which are 0, 1, 2 and so on there. Resolves to its pid, or rejects with an error whose `errno` is set.
   */
  async spawn(
    file: string,
    argv: StringArray,
    environment: StringArray,
    descriptors: readonly number[],
  ): Promise<number> {
    const actions = this.#createActions(descriptors);
    const pid = new Int32Array(1);
    const { posix_spawnp, posix_spawn_file_actions_destroy } = this.#functions;
    // The thread reads these by address, so they must be kept from the garbage collector until it is done.
    const held = [argv, environment];
    const errno = await new Promise<number>((resolve, reject) => {
      const callback: SpawnCallback = (error, result) => {
        held.length = 0;
        if (error === null) resolve(result);
        else reject(error);
      };
      posix_spawnp.async(pid, file, actions, this.#attributes, argv.pointers, environment.pointers, callback);
    });
    posix_spawn_file_actions_destroy(actions);
    if (errno !== 0) throw systemError(errno, "posix_spawn");
    return pid[0] as number;
  }

  /** Where {@link spawn} looks for a file without a slash; undefined where this process has no `PATH`. */
  get searchPath(): string | undefined {
    return (this.#functions.getenv("PATH") as string | null) ?? undefined;
  }

  /** The pid of some child that has exited and was not reaped yet; undefined if there is none. */
  peekExited(): number | undefined {
    if (this.#functions.waitid(P_ALL, 0, this.#info, WEXITED | WNOHANG | WNOWAIT) !== 0) return undefined;
    // Linux writes a 0 where there is none.
    const pid = this.#info.readInt32LE(siginfoPidOffset);
    return pid === 0 ? undefined : pid;
  }

  /** Reaps the child; undefined if it has not exited. */
  reap(pid: number): WaitStatus | undefined {
    if (this.#functions.waitpid(pid, this.#status, WNOHANG) !== pid) return undefined;
    return decodeStatus(this.#status[0] as number);
  }

  /** Signals all processes of a group that may be signalled, with 0 in no way; returns whether there are any. */
  signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
    // Unlike process.kill this makes no exception of a group that is gone, as nearly all groups are at their end.
    return this.#functions.kill(-group, signal === 0 ? 0 : constants.signals[signal]) === 0;
  }

  #createAttributes(): Buffer {
    const attributes = Buffer.alloc(opaqueBytes);
    const allSignals = Buffer.alloc(opaqueBytes);
    const noSignals = Buffer.alloc(opaqueBytes);
    const calls = this.#functions;
    calls.posix_spawnattr_init(attributes);
    calls.sigfillset(allSignals);
    calls.sigemptyset(noSignals);
    // Node ignores SIGPIPE; a program must not inherit that.
    calls.posix_spawnattr_setsigdefault(attributes, allSignals);
    calls.posix_spawnattr_setsigmask(attributes, noSignals);
    const flags = POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
    calls.posix_spawnattr_setflags(attributes, flags);
    return attributes;
  }

  #createActions(descriptors: readonly number[]): Buffer {
    const actions = Buffer.allocUnsafe(opaqueBytes);
    const calls = this.#functions;
    calls.posix_spawn_file_actions_init(actions);
    for (const [theirs, ours] of descriptors.entries()) calls.posix_spawn_file_actions_adddup2(actions, ours, theirs);
    calls.posix_spawn_file_actions_addclosefrom_np?.(actions, descriptors.length);
    return actions;
  }
}

function bind({ find }: CLibrary) {
  return {
    pipe2: find("int pipe2(void *ends, int flags)"),
    posix_spawnp: find(
      "int posix_spawnp(void *pid, const char *file, void *actions, void *attributes, void *argv, void *environment)",
    ),
    posix_spawnattr_init: find("int posix_spawnattr_init(void *attributes)"),
    posix_spawnattr_setflags: find("int posix_spawnattr_setflags(void *attributes, short flags)"),
    posix_spawnattr_setsigdefault: find("int posix_spawnattr_setsigdefault(void *attributes, void *signals)"),
    posix_spawnattr_setsigmask: find("int posix_spawnattr_setsigmask(void *attributes, void *signals)"),
    posix_spawn_file_actions_init: find("int posix_spawn_file_actions_init(void *actions)"),
    posix_spawn_file_actions_destroy: find("int posix_spawn_file_actions_destroy(void *actions)"),
    posix_spawn_file_actions_adddup2: find("int posix_spawn_file_actions_adddup2(void *actions, int from, int to)"),
    // glibc 2.34 and later. Without it, closing on exec must do: Node sets that on all it opens.
    posix_spawn_file_actions_addclosefrom_np: findOptional(
      find,
      "int posix_spawn_file_actions_addclosefrom_np(void *actions, int from)",
    ),
    getenv: find("const char *getenv(const char *name)"),
    memfd_create: find("int memfd_create(const char *name, unsigned int flags)"),
    mmap: find("void *mmap(void *address, size_t bytes, int protection, int flags, int descriptor, int64_t offset)"),
    munmap: find("int munmap(void *address, size_t bytes)"),
    fcntl: find("int fcntl(int descriptor, int command, ...)"),
    ioctl: find("int ioctl(int descriptor, unsigned long request, ...)"),
    sigfillset: find("int sigfillset(void *signals)"),
    sigemptyset: find("int sigemptyset(void *signals)"),
    kill: find("int kill(int target, int signal)"),
    waitid: find("int waitid(int type, unsigned int id, void *info, int options)"),
    waitpid: find("int waitpid(int pid, void *status, int options)"),
  };
}

function findOptional<Function>(find: (prototype: string) => Function, prototype: string): Function | undefined {
  try {
    return find(prototype);
  } catch {
    return undefined;
  }
}

function decodeStatus(status: number): WaitStatus {
  const number = status & 0x7f;
  if (number === 0) return { code: (status >> 8) & 0xff, signal: null };
  const name = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  return { code: null, signal: (name ?? `SIG${number}`) as NodeJS.Signals };
}
