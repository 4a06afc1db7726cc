import type { Socket } from "node:net";
import { FrameParser } from "./frame-parser.ts";
import { clientFrame, frames } from "./frame-writer.ts";

const headEnd = "\r\n\r\n";
const maxHeadBytes = 16 * 1024;
const openTimeoutMs = 30_000;

/** How a connection ended: with the server's close frame, or cut (no code). */
export interface Closing {
  readonly code: number | undefined;
  readonly reason: string;
  /** What the server did that the protocol forbids, in words. */
  readonly fault?: string;
}

/** One message; the bytes are there until the call is over. */
export type MessageHandler = (bytes: Buffer, start: number, end: number) => void;

/** A websocket client that does as little as it can: what is measured with it is the server. */
export class Client {
  onMessage: MessageHandler = () => undefined;
  onClose: (closing: Closing) => void = () => undefined;
  /** Without answers to pings a client looks dead to the server. */
  answersPings = true;
  readonly #socket: Socket;
  readonly #parser = new FrameParser((firstByte, bytes, start, end) => this.#onFrame(firstByte, bytes, start, end));
  #state: "connecting" | "open" | "closed" = "connecting";
  #head = "";
  #closing: Closing = { code: undefined, reason: "" };
  #hasCloseFrame = false;
  #onOpen: () => void = () => undefined;
  #onRefused: (error: Error) => void = () => undefined;

  /** Resolves when the server has let the client in, and rejects where it does not, or not in time. */
  readonly opened: Promise<void> = new Promise((resolve, reject) => {
    this.#onOpen = resolve;
    this.#onRefused = reject;
  });

  /** Whoever reads from the socket gives it to `take`. */
  constructor(socket: Socket, request: string) {
    this.#socket = socket;
    socket.write(request);
    socket.setTimeout(openTimeoutMs, () => socket.destroy(new Error(`no handshake within ${openTimeoutMs} ms`)));
    socket.on("error", (error) => this.#onRefused(error));
    socket.on("close", () => this.#onSocketClose());
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  /** Takes what was read. */
  take(bytes: Buffer, length: number): void {
    try {
      if (this.#state === "open") this.#parser.push(bytes, 0, length);
      else if (this.#state === "connecting") this.#takeHead(bytes, length);
    } catch (error) {
      this.#fail(String(error));
    }
  }

  sendText(text: string): void {
    this.write(clientFrame(frames.text, text));
  }

  /** Writes whole frames. */
  write(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  /** Says goodbye; the server answers. */
  close(): void {
    this.write(clientFrame(frames.close, Buffer.of(1000 >> 8, 1000 & 0xff)));
  }

  /** Stops reading. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Says nothing more, and goes on reading. */
  halfClose(): void {
    this.#socket.end();
  }

  /** Goes without a word. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Goes with a TCP reset. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  #takeHead(bytes: Buffer, length: number): void {
    const before = this.#head.length;
    this.#head += bytes.toString("latin1", 0, length);
    const end = this.#head.indexOf(headEnd);
    if (end === -1) {
      if (this.#head.length > maxHeadBytes) throw new Error("the answer to the handshake has no end");
      return;
    }
    const status = this.#head.slice(0, this.#head.indexOf("\r\n"));
    if (!status.startsWith("HTTP/1.1 101 ")) throw new Error(`not let in: ${status}`);
    this.#state = "open";
    this.#socket.setTimeout(0);
    this.#head = "";
    this.#onOpen();
    this.#parser.push(bytes, end + headEnd.length - before, length);
  }

  #onFrame(firstByte: number, bytes: Buffer, start: number, end: number): void {
    if (this.#state !== "open") return;
    if (this.#hasCloseFrame) throw new Error(`a frame that begins with ${firstByte} behind the close frame`);
    if (firstByte === frames.text || firstByte === frames.binary) this.onMessage(bytes, start, end);
    else if (firstByte === frames.ping) this.#onPing(bytes, start, end);
    else if (firstByte === frames.close) this.#onCloseFrame(bytes, start, end);
    else if (firstByte !== frames.pong) throw new Error(`a frame that is no whole message begins with ${firstByte}`);
  }

  #onPing(bytes: Buffer, start: number, end: number): void {
    if (this.answersPings) this.write(clientFrame(frames.pong, bytes.subarray(start, end)));
  }

  #onCloseFrame(bytes: Buffer, start: number, end: number): void {
    const hasCode = end - start >= 2;
    this.#hasCloseFrame = true;
    this.#closing = {
      code: hasCode ? bytes.readUInt16BE(start) : 1005,
      reason: hasCode ? bytes.toString("utf8", start + 2, end) : "",
    };
    this.write(clientFrame(frames.close, bytes.subarray(start, hasCode ? start + 2 : start)));
    this.#socket.end();
  }

  /** The server did what it must not. */
  #fail(fault: string): void {
    this.#closing = { ...this.#closing, fault };
    this.#socket.destroy(new Error(fault));
  }

  #onSocketClose(): void {
    this.#onRefused(new Error("connection closed before the handshake was done"));
    const wasOpen = this.#state === "open";
    this.#state = "closed";
    if (wasOpen) this.onClose(this.#closing);
  }
}
