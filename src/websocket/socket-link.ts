import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { closeReason } from "../close-codes.ts";
import type { ClientEvents, ClientLink } from "../links.ts";
import { FrameReader } from "./frame-reader.ts";
import { StallWatch } from "../stall-watch.ts";

/** The counters of Node's own handle: only they tell how far a write has come that is still under way. */
interface WriteCounters {
  readonly bytesWritten: number;
  readonly writeQueueSize: number;
}

const nothing = Buffer.alloc(0);

/** What the heartbeat knows of a link: its counters at the last sign of life, and when that was. */
export interface LifeSigns {
  readBytes: number;
  takenBytes: number;
  at: number;
  isPinged: boolean;
}

export interface LinkLimits {
  readonly maxMessageBytes: number;
  /** How long a client that takes nothing can put off its close. */
  readonly slowTimeoutMs: number;
}

/**
 * One client's websocket. `ws` reads what is no plain message and writes control frames; messages go straight to its
 * socket, already encoded. Both write whole frames, so they never mix.
 */
export class SocketLink implements ClientLink {
  readonly lifeSigns: LifeSigns = { readBytes: 0, takenBytes: 0, at: performance.now(), isPinged: false };
  readonly #webSocket: WebSocket;
  readonly #socket: Socket;
  readonly #limits: LinkLimits;
  #isClosing = false;

  constructor(webSocket: WebSocket, socket: Socket, events: ClientEvents, limits: LinkLimits) {
    this.#webSocket = webSocket;
    this.#socket = socket;
    this.#limits = limits;
    webSocket.on("message", (data, isBinary) => events.onMessage(data as Buffer, isBinary));
    // The close that follows says enough.
    webSocket.on("error", () => undefined);
    webSocket.on("close", (code) => events.onClose(code));
    this.#readAhead(events);
  }

  get pendingBytes(): number {
    return this.#socket.writableLength;
  }

  get takenBytes(): number {
    const { _handle: counters } = this.#socket as unknown as { _handle: WriteCounters | null };
    return counters === null ? 0 : counters.bytesWritten - counters.writeQueueSize;
  }

  /** Bytes that the client has sent so far. */
  get readBytes(): number {
    return this.#socket.bytesRead;
  }

  get isPaused(): boolean {
    return this.#webSocket.isPaused;
  }

  write(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  writeAll(pieces: readonly Buffer[]): void {
    this.#socket.cork();
    for (const piece of pieces) this.write(piece);
    this.#socket.uncork();
  }

  whenTaken(callback: () => void): void {
    if (this.#socket.writable) this.#socket.write(nothing, callback);
    else queueMicrotask(callback);
  }

  pause(): void {
    this.#webSocket.pause();
  }

  resume(): void {
    this.#webSocket.resume();
  }

  ping(): void {
    if (this.#webSocket.readyState === this.#webSocket.OPEN) this.#webSocket.ping();
  }

  close(code: number, reason: string): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    // The client's answer must be read.
    this.resume();
    const sayGoodbye = (): void => this.#webSocket.close(code, closeReason(reason));
    if (this.pendingBytes === 0) sayGoodbye();
    else this.#closeWhenTaken(sayGoodbye);
  }

  /** Cuts the connection without a word. */
  abort(): void {
    this.#webSocket.terminate();
  }

  /** Puts a reader of plain messages in front of `ws`, which goes on to read everything else. */
  #readAhead(events: ClientEvents): void {
    const socket = this.#socket;
    const [wsOnData] = socket.listeners("data") as ((chunk: Buffer) => void)[];
    if (wsOnData === undefined) return;
    const reader = new FrameReader(this.#webSocket, this.#limits.maxMessageBytes, events, (bytes) => {
      wsOnData.call(socket, bytes);
    });
    socket.off("data", wsOnData);
    socket.on("data", (chunk) => reader.push(chunk));
  }

  /** `ws` gives the client a few seconds from its close frame on, which is too short for what may wait before it. */
  #closeWhenTaken(sayGoodbye: () => void): void {
    const watch = new StallWatch(
      this.#limits.slowTimeoutMs,
      () => this.takenBytes,
      () => this.abort(),
    );
    watch.start();
    this.whenTaken(() => {
      watch.stop();
      sayGoodbye();
    });
  }
}
