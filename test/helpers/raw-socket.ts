import { connect } from "node:net";

/**
 * Sends bytes as they are, since HTTP clients tidy what they send, and resolves to all that comes back until the end. With
 * `isAll`, says that nothing more will come.
 */
export async function exchange(port: number, bytes: string | Buffer, isAll = false): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  socket.on("error", () => undefined);
  socket.setTimeout(10_000, () => socket.destroy());
  // Not `once` of node:events, which throws where the connection is reset.
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  if (isAll) socket.end(bytes);
  else socket.write(bytes);
  await closed;
  return Buffer.concat(chunks).toString("latin1");
}

/** The lines of an upgrade request, to be changed and then joined. */
export function upgradeRequest(target: string, headers: Readonly<Record<string, string>> = {}): string {
  const all = {
    Host: "localhost",
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `GET ${target} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;
}
