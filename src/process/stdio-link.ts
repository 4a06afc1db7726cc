import type { Socket } from "node:net";
import type { ProcessEvents, ProcessLink } from "../links.ts";
import { takenBytes } from "../system/socket-handle.ts";
import { ErrorOutput } from "./error-output.ts";
import { Lifetime } from "./lifetime.ts";
import type { InputPipe } from "./input-pipe.ts";
import type { SpawnedProcess } from "./spawner.ts";
import { type LinkOptions, maxWaitingBytes } from "./link-options.ts";

/** What a pipe holds as it is made; Node reads no more at once. */
const pipeBytes = 64 * 1024;

/** Talks with a process over its stdin and stdout. */
export class StdioLink implements ProcessLink {
  readonly pid: number;
  readonly #events: ProcessEvents;
  readonly #lifetime: Lifetime;
  readonly #spawned: SpawnedProcess;
  readonly #input: InputPipe;
  /** There from the first write on. */
  #stdin: Socket | undefined;
  readonly #stdout: Socket;
  readonly #errors: ErrorOutput;
  readonly #stdinOnClose = (): void => this.#events.onInputClosed();
  readonly #stdoutOnData = (chunk: Buffer): void => this.#onChunk(chunk);
  readonly #maxWaitingBytes: number;
  #writtenBytes = 0;
  #isOutputLarge = false;
  #attachTimer: NodeJS.Timeout | undefined;

  constructor(input: InputPipe, stdout: Socket, options: LinkOptions) {
    const { spawned, killGraceMs, attachDelayMs, events, onGone } = options;
    this.pid = spawned.pid;
    this.#maxWaitingBytes = maxWaitingBytes(options.keepsUnread);
    this.#events = events;
    this.#spawned = spawned;
    this.#input = input;
    this.#stdout = stdout;
    this.#lifetime = new Lifetime({
      spawned,
      killGraceMs,
      closeInput: () => this.#closeInput(),
      onExit: () => events.onEnding(),
      onEnd: (exit) => {
        const unreadBytes = this.#countUnread();
        this.#release();
        onGone();
        events.onEnd(unreadBytes === undefined ? exit : { ...exit, unreadBytes });
      },
    });
    this.#listen();
    this.#errors = new ErrorOutput(options, this.#lifetime);
    if (attachDelayMs !== undefined && attachDelayMs > 0) this.#attachLater(attachDelayMs);
  }

  get pendingBytes(): number {
    return this.#stdin?.writableLength ?? 0;
  }

  write(bytes: Buffer): boolean {
    this.#writtenBytes += bytes.length;
    this.#stdin ??= this.#open();
    if (!this.#stdin?.writable) return true;
    this.#stdin.write(bytes);
    return this.#stdin.writableLength <= this.#maxWaitingBytes;
  }

  pause(): void {
    this.#stdout.pause();
    this.#errors.pause();
    this.#lifetime.pauseGrace();
  }

  resume(): void {
    this.#stdout.resume();
    this.#errors.resume();
    this.#lifetime.resumeGrace();
  }

  terminate(): void {
    // Whoever is to be ended must not be stuck in writing what nobody reads.
    this.#stdout.resume();
    this.#errors.resume();
    this.#lifetime.terminate();
  }

  kill(): void {
    this.#lifetime.kill();
  }

  #listen(): void {
    this.#stdout.on("data", this.#stdoutOnData);
    this.#stdout.on("error", () => undefined);
    this.#stdout.on("close", () => this.#lifetime.outputEnded());
  }

  /** The socket of its stdin; undefined where that was closed before anything was written. */
  #open(): Socket | undefined {
    const stdin = this.#input.use();
    if (this.#attachTimer !== undefined) stdin?.cork();
    stdin?.on("drain", () => this.#events.onWritable());
    // A process may close its stdin and live on: writing is over then, and nothing else.
    stdin?.on("error", () => undefined);
    stdin?.on("close", this.#stdinOnClose);
    return stdin;
  }

  /** A process that fills its pipe is helped to write more at once, which then costs each client fewer writes. */
  #onChunk(chunk: Buffer): void {
    if (chunk.length >= pipeBytes && !this.#isOutputLarge) {
      this.#isOutputLarge = true;
      this.#spawned.enlargeOutput();
    }
    this.#events.onChunk(chunk);
  }

  /** Holds back what is written until the process has had time to get ready. */
  #attachLater(delayMs: number): void {
    this.#attachTimer = setTimeout(() => {
      this.#attachTimer = undefined;
      this.#stdin?.uncork();
    }, delayMs);
  }

  #closeInput(): void {
    clearTimeout(this.#attachTimer);
    this.#input.end();
  }

  /** How much of what was written is still in the pipe, or has not come so far. */
  #countUnread(): number | undefined {
    const inPipe = this.#spawned.releaseInput?.();
    if (inPipe === undefined) return undefined;
    const stdin = this.#stdin;
    const taken = stdin === undefined ? 0 : (takenBytes(stdin) ?? stdin.bytesWritten);
    return this.#writtenBytes - taken + inPipe;
  }

  #release(): void {
    clearTimeout(this.#attachTimer);
    // Its close comes later, and may then meet the next process of the room.
    this.#stdin?.off("close", this.#stdinOnClose);
    this.#input.destroy();
    this.#stdout.destroy();
    this.#errors.destroy();
  }
}
