import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { arrivedBytes, untakenBytes } from "../system/socket-handle.ts";

/** An answer of which its client takes less than this in the time is given up: 1 KiB a second. */
const leastBytes = 60 * 1024;
const timeoutMs = 60_000;
const looksPerTimeout = 30;

/** An answer under way. */
interface Reading {
  readonly socket: Socket;
  /** When its client was last seen to have taken enough, and how much it had taken by then. */
  sinceMs: number;
  arrivedBytes: number;
}

/**
 * Cuts off clients that ask for something and then do not read it, or hardly: each holds a connection, a file and what waits in
 * memory, for as long as it likes.
 */
export class SlowReaders {
  /** How many were cut off. */
  cut = 0;
  readonly #timeoutMs: number;
  readonly #readings = new Map<ServerResponse, Reading>();
  #timer: NodeJS.Timeout | undefined;

  constructor(limitMs = timeoutMs) {
    this.#timeoutMs = limitMs;
  }

  /** Keeps an eye on an answer until all of it is taken. */
  watch({ socket }: IncomingMessage, response: ServerResponse): void {
    this.#readings.set(response, { socket, sinceMs: performance.now(), arrivedBytes: arrivedBytes(socket) ?? 0 });
    response.on("close", () => this.#forget(response));
    this.#timer ??= setInterval(() => this.#look(), this.#timeoutMs / looksPerTimeout).unref();
  }

  #forget(response: ServerResponse): void {
    this.#readings.delete(response);
    if (this.#readings.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const nowMs = performance.now();
    for (const reading of this.#readings.values()) {
      const arrived = arrivedBytes(reading.socket) ?? 0;
      // Where nothing waits for the client, it is the client who waits.
      if (untakenBytes(reading.socket) === 0 || arrived - reading.arrivedBytes >= leastBytes) {
        reading.sinceMs = nowMs;
        reading.arrivedBytes = arrived;
      } else if (nowMs - reading.sinceMs >= this.#timeoutMs && !reading.socket.destroyed) {
        this.cut += 1;
        reading.socket.destroy();
      }
    }
  }
}
