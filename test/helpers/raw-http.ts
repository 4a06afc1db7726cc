import { connect } from "node:net";
import { until } from "./until.ts";

/** An answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  /** By name in small letters. */
  readonly headers: ReadonlyMap<string, string>;
  /** One character for each byte. */
  readonly body: string;
}

/** The text of a request whose target is sent as it is, since HTTP clients tidy it; asks for the connection's end. */
export function rawRequest(target: string, headers: Readonly<Record<string, string>> = {}, method = "GET"): string {
  const lines = Object.entries({ Host: "localhost", Connection: "close", ...headers });
  return `${method} ${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
}

/** Sends bytes as they are and resolves to the answer, read until the connection's end or the end of a handshake. */
export async function ask(port: number, bytes: string | Buffer): Promise<RawAnswer> {
  const socket = connect({ host: "127.0.0.1", port });
  let received = "";
  let isClosed = false;
  socket.setEncoding("latin1").on("data", (text: string) => {
    received += text;
  });
  socket.on("error", () => undefined);
  socket.on("close", () => {
    isClosed = true;
  });
  socket.write(bytes);
  try {
    await until(
      () => isClosed || /^HTTP\/1.1 101 [^]*\r\n\r\n/.test(received),
      () => `an answer to ${String(bytes)}, got ${received.slice(0, 500)}`,
    );
    return parseAnswer(received);
  } finally {
    socket.destroy();
  }
}

function parseAnswer(text: string): RawAnswer {
  const [, status, lines = "", body = ""] = /^HTTP\/1.1 (\d{3}) [^\r\n]*\r\n([^]*?\r\n)\r\n([^]*)$/.exec(text) ?? [];
  if (status === undefined) throw new Error(`not an answer: ${text.slice(0, 500)}`);
  const headers = new Map<string, string>();
  for (const [, name = "", value = ""] of lines.matchAll(/^([^:\r\n]+): ([^\r\n]*)\r$/gm)) {
    if (headers.has(name.toLowerCase())) throw new Error(`a header comes twice: ${lines}`);
    headers.set(name.toLowerCase(), value);
  }
  return { status: Number(status), headers, body };
}
