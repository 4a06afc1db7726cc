import type { Socket } from "node:net";
import { closeCodes } from "../close-codes.ts";
import type { ClientEvents } from "../links.ts";
import { inflate } from "./compression.ts";
import { type FrameHandler, FrameReader } from "./frame-reader.ts";
import { type ProtocolEvents, ProtocolReceiver } from "./protocol-receiver.ts";
import { inAnotherTurn, isTurnSpent } from "./turns.ts";

/** So much of what was read may still be decompressed for a client that is gone. */
const maxLastBytes = 1024 * 1024;

/** The link, as what it reads sees it. */
export interface IntakeOwner extends Pick<ProtocolEvents, "onPing" | "onPong" | "onConclude" | "onFault"> {
  /** Whether messages are still wanted. */
  readonly isReading: boolean;
}

/**
 * What one client says. Plain messages are read here; a receiver for the whole protocol is there only while something else
 * is under way.
 */
export class Intake implements FrameHandler, ProtocolEvents {
  /** Whether the client is not to be read for now. */
  isPaused = false;
  readonly #socket: Socket;
  readonly #events: ClientEvents;
  readonly #owner: IntakeOwner;
  readonly #maxMessageBytes: number;
  readonly #isCompressing: boolean;
  readonly #reader: FrameReader;
  #receiver: ProtocolReceiver | undefined;
  #isProceedPlanned = false;
  #inflatedBytes = 0;

  constructor(
    socket: Socket,
    events: ClientEvents,
    owner: IntakeOwner,
    { maxMessageBytes }: { readonly maxMessageBytes: number },
    isCompressing: boolean,
  ) {
    this.#socket = socket;
    this.#events = events;
    this.#owner = owner;
    this.#maxMessageBytes = maxMessageBytes;
    this.#isCompressing = isCompressing;
    this.#reader = new FrameReader(maxMessageBytes, this, isCompressing);
  }

  get isReading(): boolean {
    return this.#owner.isReading;
  }

  /** Which message is on its way, as a number that only it has; 0 where there is none. */
  get unfinished(): number {
    return this.#reader.unfinished;
  }

  pause(): void {
    this.isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.isPaused = false;
    if (this.#reader.isParked) this.#planProceed();
    else this.#socket.resume();
  }

  push(chunk: Buffer): void {
    this.#reader.push(chunk);
  }

  /** The connection is gone: what was read of it, while it was paused too, still comes before the callback. */
  finish(onFinished: () => void): void {
    const rest = this.#socket.read() as Buffer | null;
    if (rest !== null) this.#reader.push(rest);
    if (this.#isCompressing || this.#reader.isParked) {
      inAnotherTurn(() => this.#finishParked(onFinished, this.#inflatedBytes + maxLastBytes));
    } else {
      onFinished();
    }
  }

  onMessage(payload: Buffer, isBinary: boolean): void {
    this.#events.onMessage(payload, isBinary);
  }

  onOther(bytes: Buffer): void {
    if (!this.isReading) return;
    try {
      this.#receiver ??= new ProtocolReceiver(this.#maxMessageBytes, this, this.#isCompressing);
    } catch (error) {
      // It is loaded with the first one, which takes a descriptor.
      const isOut = (error as NodeJS.ErrnoException).code === "EMFILE";
      const reason = isOut ? "the server has no file descriptor left" : "the server cannot read this frame";
      this.onFault(closeCodes.tryAgainLater.code, reason);
      return;
    }
    // It keeps what it has not read yet.
    if (!this.#receiver.write(Buffer.from(bytes))) this.#socket.pause();
  }

  onOtherDone(): void {
    this.#receiver = undefined;
  }

  inflate(payload: Buffer): Buffer {
    const message = inflate(payload, this.#maxMessageBytes);
    this.#inflatedBytes += message.length;
    return message;
  }

  isTurnSpent(): boolean {
    return isTurnSpent();
  }

  onParked(): void {
    this.#socket.pause();
    this.#planProceed();
  }

  onDrain(): void {
    if (!this.isPaused && !this.#reader.isParked) this.#socket.resume();
  }

  onPing(payload: Buffer): void {
    this.#owner.onPing(payload);
  }

  onPong(payload: Buffer): void {
    this.#owner.onPong(payload);
  }

  onConclude(code: number, reason: string): void {
    this.#owner.onConclude(code, reason);
  }

  onFault(code: number, reason: string): void {
    this.#owner.onFault(code, reason);
  }

  /** In another turn of the event loop, so that others have their turn, and what was passed on has come to its end. */
  #planProceed(): void {
    if (this.#isProceedPlanned) return;
    this.#isProceedPlanned = true;
    inAnotherTurn(() => {
      this.#isProceedPlanned = false;
      this.#proceed();
    });
  }

  #proceed(): void {
    if (this.isPaused) return;
    this.#reader.proceed();
    if (!this.isPaused && !this.#reader.isParked) this.#socket.resume();
  }

  #finishParked(onFinished: () => void, maxInflatedBytes: number): void {
    if (!this.#reader.isParked || this.#inflatedBytes > maxInflatedBytes) {
      onFinished();
      return;
    }
    this.#reader.proceed();
    inAnotherTurn(() => this.#finishParked(onFinished, maxInflatedBytes));
  }
}
