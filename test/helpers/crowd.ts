import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { TestServer } from "./server.ts";

/** Connections that say something and then no more, until the scope ends. */
export class Crowd implements Disposable {
  readonly sockets: Socket[] = [];
  /** How many of them have been closed. */
  closed = 0;
  readonly #port: number;

  constructor({ port }: Pick<TestServer, "port">) {
    this.#port = port;
  }

  /** One more, which has said this when the server has it. */
  async add(words: string | Buffer = ""): Promise<Socket> {
    const socket = connect({ host: "127.0.0.1", port: this.#port });
    this.sockets.push(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.closed += 1;
    });
    // Whoever is shut out again at once is of no concern.
    await Promise.race([once(socket, "connect"), once(socket, "close")]);
    socket.resume();
    if (socket.writable) socket.write(words);
    return socket;
  }

  /** Many more, so many of them at once. */
  async addAll(count: number, atOnce: number, wordsOf: (index: number) => string | Buffer): Promise<void> {
    for (let first = 0; first < count; first += atOnce) {
      const batch = Math.min(atOnce, count - first);
      await Promise.all(Array.from({ length: batch }, async (_, index) => this.add(wordsOf(first + index))));
    }
  }

  /** Closes all of them. */
  [Symbol.dispose](): void {
    for (const socket of this.sockets) socket.destroy();
  }
}
