import { once } from "node:events";
import { type ClientOptions, WebSocket } from "ws";
import type { TestServer } from "./server.ts";
import { until } from "./until.ts";

/** Where clients knock, and what was logged there. */
export type Door = Pick<TestServer, "port" | "log"> & {
  /** What stands before the path, where that is not the port of the loopback interface. */
  readonly origin?: string;
};

/** A client that keeps what it is sent. */
export interface TestClient extends AsyncDisposable {
  readonly socket: WebSocket;
  /** Messages so far: text as strings, binary as buffers. */
  readonly received: (string | Buffer)[];
  /** How the connection was closed. */
  readonly closed: Promise<{ code: number; reason: string }>;
  send(message: string | Buffer): void;
  /** Resolves to all messages so far once there are as many. */
  messages(count: number): Promise<(string | Buffer)[]>;
}

export interface JoinOptions extends ClientOptions {
  /** Subprotocols that are offered. */
  readonly protocols?: string[];
}

/** Joins a room; `path` is what follows the slash. */
export async function join(server: Door, path: string, options: JoinOptions = {}): Promise<TestClient> {
  const socket = new WebSocket(`${originOf(server)}/${path}`, options.protocols ?? [], options);
  const received: (string | Buffer)[] = [];
  socket.on("message", (data, isBinary) => received.push(isBinary ? (data as Buffer) : (data as Buffer).toString()));
  const closed = once(socket, "close").then(([code, reason]) => ({
    code: code as number,
    reason: (reason as Buffer).toString(),
  }));
  try {
    await once(socket, "open");
  } catch (error) {
    await closed.catch(() => undefined);
    throw error;
  }
  return {
    socket,
    received,
    closed,
    send: (message) => socket.send(message),
    async messages(count) {
      await until(
        () => received.length >= count,
        () => `${count} messages, got ${received.length}: ${String(received).slice(0, 500)}\n${server.log()}`,
      );
      return received;
    },
    async [Symbol.asyncDispose]() {
      socket.terminate();
      await closed;
    },
  };
}

/** Joins a room as soon as there is a place for it: those who have left just now may not be known to be gone. */
export async function joinSoon(server: Door, path: string, options: JoinOptions = {}): Promise<TestClient> {
  let client: TestClient | undefined;
  await until(async () => {
    client = await join(server, path, options).catch(() => undefined);
    return client !== undefined;
  }, "a place for a client");
  return client as TestClient;
}

/** Counts a client's bytes from now on, and keeps no messages. */
export function countBytes({ socket }: TestClient): { readonly bytes: number } {
  const total = { bytes: 0 };
  socket.removeAllListeners("message");
  socket.on("message", (data) => {
    total.bytes += (data as Buffer).length;
  });
  return total;
}

/** The HTTP answer to a client that is not let in. */
export async function refusal(
  server: Door,
  path: string,
  options: ClientOptions = {},
): Promise<{ status: number; body: string; headers: NodeJS.Dict<string | string[]> }> {
  const socket = new WebSocket(`${originOf(server)}/${path}`, options);
  socket.on("error", () => undefined);
  const [, response] = await once(socket, "unexpected-response");
  let body = "";
  for await (const chunk of response) body += String(chunk);
  return { status: response.statusCode, body, headers: response.headers };
}

function originOf({ origin, port }: Door): string {
  return origin ?? `ws://127.0.0.1:${port}`;
}
