import type { Socket } from "node:net";
import { closeCodes, closeReason } from "../close-codes.ts";
import type { ClientEvents, ClientLink } from "../links.ts";
import { arrivedBytes, bytesUnderWay, heldBytes } from "../system/socket-handle.ts";
import { StallWatch } from "../stall-watch.ts";
import { closeFrame, emptyCloseFrame, pingFrame, pongFrame } from "./frame.ts";
import { Intake, type IntakeOwner } from "./intake.ts";

/** What a close frame without a code means (RFC 6455 section 7.1.5). */
const noCode = 1005;
/** How long a client may take to answer the close of its connection, once that has arrived or nothing arrives any more. */
const closeTimeoutMs = 2000;

const nothing = Buffer.alloc(0);

/**
 * What the heartbeat knows of a link: its counters at the last sign of life, and when that was; which message was under
 * way when it looked last, and how long that is.
 */
export interface LifeSigns {
  readBytes: number;
  arrivedBytes: number;
  at: number;
  isPinged: boolean;
  unfinished: number;
  unfinishedMs: number;
}

export interface LinkLimits {
  readonly maxMessageBytes: number;
  /** How long a client that takes nothing can put off its close. */
  readonly slowTimeoutMs: number;
  /** Where more waits for a client, its pings have no answer until the one that comes after that was taken. */
  readonly clientBufferBytes: number;
}

/** A socket knows its link, so that one set of listeners does for all sockets. */
const linkOf = Symbol("link");
type LinkedSocket = Socket & { [linkOf]: SocketLink };

/** One client's websocket, from the end of its handshake on. */
export class SocketLink implements ClientLink, IntakeOwner {
  readonly isCompressing: boolean;
  readonly lifeSigns: LifeSigns = {
    readBytes: 0,
    arrivedBytes: 0,
    at: performance.now(),
    isPinged: false,
    unfinished: 0,
    unfinishedMs: 0,
  };
  readonly #socket: Socket;
  readonly #events: ClientEvents;
  readonly #limits: LinkLimits;
  readonly #onGone: (link: SocketLink) => void;
  readonly #intake: Intake;
  /** "leaving": our close frame waits for what stands before it; "closing": it is sent; "ending": nothing is read any more. */
  #state: "open" | "leaving" | "closing" | "ending" | "closed" = "open";
  #closeWatch: StallWatch | undefined;
  #fault: string | undefined;

  /** `onGone` is told after the connection, when the socket is closed. */
  constructor(
    socket: Socket,
    events: ClientEvents,
    limits: LinkLimits,
    onGone: (link: SocketLink) => void,
    isCompressing = false,
  ) {
    this.isCompressing = isCompressing;
    this.#socket = socket;
    this.#events = events;
    this.#limits = limits;
    this.#onGone = onGone;
    this.#intake = new Intake(socket, events, this, limits, isCompressing);
    (socket as LinkedSocket)[linkOf] = this;
    socket.setTimeout(0);
    socket.setNoDelay();
    socket.on("data", socketOnData);
    socket.on("end", socketOnEnd);
    socket.on("close", socketOnClose);
    socket.on("error", socketOnError);
  }

  /** The id of the connection that it is the link of. */
  get connectionId(): number {
    return this.#events.id;
  }

  get pendingBytes(): number {
    return heldBytes(this.#socket);
  }

  get arrivedBytes(): number {
    return arrivedBytes(this.#socket) ?? 0;
  }

  /** Bytes that have not arrived at the client's side yet. */
  get bytesUnderWay(): number {
    return bytesUnderWay(this.#socket);
  }

  /** Bytes that the client has sent so far. */
  get readBytes(): number {
    return this.#socket.bytesRead;
  }

  /** Which message is on its way, as a number that only it has; 0 where there is none. */
  get unfinished(): number {
    return this.isReading ? this.#intake.unfinished : 0;
  }

  /** Whether the client is not read for now, but will be. */
  get isPaused(): boolean {
    return this.isReading && this.#intake.isPaused;
  }

  get isReading(): boolean {
    return this.#state === "open" || this.#state === "leaving" || this.#state === "closing";
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
    this.#intake.pause();
  }

  resume(): void {
    this.#intake.resume();
  }

  ping(): void {
    if (this.#state === "open" || this.#state === "leaving") this.write(pingFrame);
  }

  close(code: number, reason: string): void {
    if (this.#state !== "open") return;
    this.#state = "leaving";
    // The client's answer must be read.
    this.resume();
    const frame = closeFrame(code, closeReason(reason));
    if (this.pendingBytes === 0) this.#sendClose(frame);
    else this.#sendCloseWhenTaken(frame);
  }

  /** Cuts the connection without a word. */
  abort(): void {
    this.#socket.destroy();
  }

  onSocketData(chunk: Buffer): void {
    if (this.isReading) this.#intake.push(chunk);
  }

  /** The client has ended its side of the connection. */
  onSocketEnd(): void {
    if (this.pendingBytes > 0) {
      this.#endSocket();
      return;
    }
    if (this.isReading) this.#state = "ending";
    this.#socket.destroy();
  }

  onSocketClose(): void {
    this.#closeWatch?.stop();
    if (this.isReading) this.#intake.finish(() => this.#finish());
    else this.#finish();
  }

  onPing(payload: Buffer): void {
    this.#events.onControl(payload.length);
    const isWanted = this.#state === "open" || this.#state === "leaving";
    if (isWanted && this.pendingBytes <= this.#limits.clientBufferBytes) this.write(pongFrame(payload));
  }

  onPong(payload: Buffer): void {
    this.#events.onControl(payload.length);
  }

  onConclude(code: number, reason: string): void {
    this.#answerClose(code === noCode ? emptyCloseFrame : closeFrame(code, reason));
  }

  onFault(code: number, reason: string): void {
    this.#fault ??= reason;
    this.#answerClose(closeFrame(code, closeReason(reason)));
  }

  /** The client does not come to the end of what it has begun to say. */
  onMessageTimeout(): void {
    this.onFault(closeCodes.policyViolation.code, "message takes too long");
  }

  #finish(): void {
    this.#closeWatch?.stop();
    this.#state = "closed";
    this.#events.onClose(this.#fault);
    this.#onGone(this);
  }

  /** Sends the close frame if none was sent before, and then no more. */
  #answerClose(frame: Buffer): void {
    if (!this.isReading) return;
    if (this.#state !== "closing") this.write(frame);
    this.#endSocket();
    this.#limitClosing();
  }

  /** Nothing is read any more, but for the client's end of the connection. */
  #endSocket(): void {
    if (this.isReading) this.#state = "ending";
    this.#socket.end();
    this.#socket.resume();
  }

  #sendClose(frame: Buffer): void {
    if (this.#state !== "leaving") return;
    this.#state = "closing";
    this.write(frame);
    this.#limitClosing();
  }

  #limitClosing(): void {
    this.#closeWatch ??= this.#abortOnStall(closeTimeoutMs);
  }

  /** The client gets a few seconds from the close frame on, which is too short for what may wait before it. */
  #sendCloseWhenTaken(frame: Buffer): void {
    const watch = this.#abortOnStall(this.#limits.slowTimeoutMs);
    this.whenTaken(() => {
      watch.stop();
      this.#sendClose(frame);
    });
  }

  #abortOnStall(timeoutMs: number): StallWatch {
    const watch = new StallWatch(
      timeoutMs,
      () => this.arrivedBytes,
      () => this.abort(),
    );
    watch.start();
    return watch;
  }
}

function socketOnData(this: Socket, chunk: Buffer): void {
  (this as LinkedSocket)[linkOf].onSocketData(chunk);
}

function socketOnEnd(this: Socket): void {
  (this as LinkedSocket)[linkOf].onSocketEnd();
}

function socketOnClose(this: Socket): void {
  (this as LinkedSocket)[linkOf].onSocketClose();
}

/** The close that follows says enough. */
function socketOnError(): void {}
