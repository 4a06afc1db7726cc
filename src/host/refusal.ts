import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import { type Header, headerLines } from "../answer-headers.ts";
import { messageOf, RefusedError } from "../errors.ts";
import type { RefusalLog } from "./refusal-log.ts";

interface RefusalTraits {
  readonly method?: string | undefined;
  /** Headers of all answers. */
  readonly headers?: readonly Header[];
  /** Tells the client's address, as far as it is believed. Asked only where it is to be logged. */
  readonly addressOf: () => string;
}

/** Answers a handshake with why the client is not let in, and ends the connection. */
export function refuse(socket: Socket, error: unknown, log: RefusalLog, traits: RefusalTraits): void {
  if (error instanceof RefusedError) {
    log.note("info", error.logLine, traits.addressOf);
    answer(socket, error.status, error.message, error.headers, traits);
  } else {
    log.note("error", `handshake failed: ${messageOf(error)}`, traits.addressOf);
    answer(socket, 500, "internal error", {}, traits);
  }
}

function answer(
  socket: Socket,
  status: number,
  text: string,
  more: Readonly<Record<string, string>>,
  { method, headers: forAll = [] }: RefusalTraits,
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
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${headerLines(headers, forAll)}\r\n`;
  socket.write(method === "HEAD" ? head : head + body);
  socket.destroySoon();
}
