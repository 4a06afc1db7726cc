import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { messageOf, RefusedError } from "../errors.ts";
import type { Logger } from "../logger.ts";

/** Answers a handshake with why the client is not let in, and ends the connection. */
export function refuse(socket: Socket, error: unknown, logger: Logger, method = "GET"): void {
  if (error instanceof RefusedError) {
    logger.info(error.logLine);
    answer(socket, method, error.status, error.message, error.headers);
  } else {
    logger.error(`handshake failed: ${messageOf(error)}`);
    answer(socket, method, 500, "internal error", {});
  }
}

function answer(
  socket: Socket,
  method: string,
  status: number,
  text: string,
  more: Readonly<Record<string, string>>,
): void {
  const body = `${text}\n`;
  const headers = {
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": String(Buffer.byteLength(body)),
    "X-Content-Type-Options": "nosniff",
    Date: new Date().toUTCString(),
    Connection: "close",
    ...more,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}\r\n`;
  socket.write(method === "HEAD" ? head : head + body);
  socket.destroySoon();
}
