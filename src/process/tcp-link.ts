import type { Socket } from "node:net";
import { LendingSocket } from "../system/lending-socket.ts";
import type { ProcessEvents, ProcessLink } from "../links.ts";
import { ErrorOutput } from "./error-output.ts";
import { Lifetime } from "./lifetime.ts";
import { type LinkOptions, maxWaitingBytes } from "./link-options.ts";

const host = "127.0.0.1";
const firstRetryMs = 20;
const longestRetryMs = 250;
const retryGrowth = 1.5;
const connectTimeoutMs = 10_000;

/** Talks with a process over one TCP connection to the port that it was given. */
export class TcpLink implements ProcessLink {
  readonly pid: number;
  readonly #port: number;
  readonly #events: ProcessEvents;
  readonly #lifetime: Lifetime;
  readonly #maxWaitingBytes: number;
  readonly #errors: ErrorOutput;
  /** "waiting" until the process has had time to get ready, or is to go. */
  #state: "waiting" | "connecting" | "connected" | "closed" = "waiting";
  /** Written before there is a connection. */
  #early: Buffer[] = [];
  #earlyBytes = 0;
  #socket: Socket | undefined;
  #isPaused = false;
  #isInputOver = false;
  #retryMs = firstRetryMs;
  #deadline = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(port: number, options: LinkOptions) {
    const { spawned, killGraceMs, attachDelayMs, events, onGone } = options;
    this.pid = spawned.pid;
    this.#port = port;
    this.#maxWaitingBytes = maxWaitingBytes(options.keepsUnread);
    this.#events = events;
    this.#lifetime = new Lifetime({
      spawned,
      killGraceMs,
      closeInput: () => this.#closeInput(),
      onExit: () => this.#onExit(),
      onEnd: (exit) => {
        // Of what went over a connection nobody can tell how far it has come.
        const unreadBytes = this.#isEarly ? this.#earlyBytes : 0;
        this.#release();
        onGone();
        events.onEnd({ ...exit, unreadBytes });
      },
    });
    this.#errors = new ErrorOutput(options, this.#lifetime);
    this.#timer = setTimeout(() => this.#startConnecting(), attachDelayMs ?? 0);
  }

  get pendingBytes(): number {
    return this.#earlyBytes + (this.#socket?.writableLength ?? 0);
  }

  /** Whether there was no connection so far. */
  get #isEarly(): boolean {
    return this.#state === "waiting" || this.#state === "connecting";
  }

  write(bytes: Buffer): boolean {
    if (this.#isEarly) {
      this.#early.push(bytes);
      this.#earlyBytes += bytes.length;
      return this.#earlyBytes <= this.#maxWaitingBytes;
    }
    // Written to a process that is gone, it would be answered with a reset, which takes what that has said before along.
    if (this.#lifetime.hasExited || this.#socket === undefined || !this.#socket.writable) return true;
    this.#socket.write(bytes);
    return this.#socket.writableLength <= this.#maxWaitingBytes;
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket?.pause();
    this.#errors.pause();
    this.#lifetime.pauseGrace();
  }

  resume(): void {
    this.#isPaused = false;
    this.#socket?.resume();
    this.#errors.resume();
    this.#lifetime.resumeGrace();
  }

  terminate(): void {
    // Whoever is to be ended must not be stuck in writing what nobody reads.
    this.#socket?.resume();
    this.#errors.resume();
    this.#lifetime.terminate();
  }

  kill(): void {
    this.#lifetime.kill();
  }

  #startConnecting(): void {
    clearTimeout(this.#timer);
    this.#state = "connecting";
    this.#deadline = performance.now() + connectTimeoutMs;
    this.#tryConnect();
  }

  #tryConnect(): void {
    const socket = new LendingSocket({}).connect({ host, port: this.#port, noDelay: true });
    this.#socket = socket;
    socket.once("connect", () => {
      // Without a listener, a connect from a port to itself can succeed.
      if (socket.localPort === this.#port) socket.destroy(new Error("connected to itself"));
      else this.#onConnect(socket);
    });
    socket.on("error", () => undefined);
    socket.on("close", () => this.#onClose());
  }

  #onConnect(socket: Socket): void {
    this.#state = "connected";
    socket.on("drain", () => this.#events.onWritable());
    socket.on("data", (chunk: Buffer) => this.#events.onChunk(chunk));
    if (this.#isPaused) socket.pause();
    for (const bytes of this.#early) socket.write(bytes);
    if (this.#isInputOver) socket.end();
    const wasFull = this.#earlyBytes > this.#maxWaitingBytes;
    this.#early = [];
    this.#earlyBytes = 0;
    if (wasFull && !socket.writableNeedDrain) this.#events.onWritable();
  }

  #onClose(): void {
    if (this.#state === "connecting") this.#retry();
    else if (this.#state === "connected") this.#onConnectionOver();
  }

  #retry(): void {
    if (this.#lifetime.hasExited) return;
    if (performance.now() >= this.#deadline) {
      this.#lifetime.terminate(`process does not listen on port ${this.#port} after ${connectTimeoutMs / 1000} s`);
      return;
    }
    this.#timer = setTimeout(() => this.#tryConnect(), this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * retryGrowth, longestRetryMs);
  }

  /** One connection is all that a room has: when the process closes it, the process has to go as well. */
  #onConnectionOver(): void {
    this.#state = "closed";
    this.#events.onEnding();
    this.#events.onInputClosed();
    this.#lifetime.outputEnded();
    this.#lifetime.terminate();
  }

  #onExit(): void {
    this.#events.onEnding();
    if (this.#isEarly) this.#lifetime.outputEnded();
  }

  /** Also a process that is not ready yet hears what was said to it before it is asked to go. */
  #closeInput(): void {
    this.#isInputOver = true;
    if (this.#state === "connected") this.#socket?.end();
    else if (this.#state === "waiting") this.#startConnecting();
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#state = "closed";
    this.#early = [];
    this.#socket?.destroy();
    this.#errors.destroy();
  }
}
