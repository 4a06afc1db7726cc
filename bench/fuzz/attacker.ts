import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { FrameParser } from "../client/frame-parser.ts";
import type { Conversation } from "./conversations.ts";

/** What the server may still want to say once all was sent. */
const patienceMs = 30;
/** After this the server must have let go of a client that is gone. */
const closeTimeoutMs = 10_000;
/** More of an answer is not looked at. */
const keptBytes = 256 * 1024;
const knownOpcodes = new Set([0x1, 0x2, 0x8, 0x9, 0xa]);

/** Sends a conversation, reads what comes, and resolves to what is wrong about that; undefined where nothing is. */
export async function attack(host: string, port: number, conversation: Conversation): Promise<string | undefined> {
  const socket = connect({ host, port, noDelay: true });
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  const received = keep(socket);
  await sendAll(socket, conversation.packets);
  await Promise.race([closed, sleep(patienceMs)]);
  if (conversation.ending === "reset") socket.resetAndDestroy();
  else if (conversation.ending === "end") socket.end();
  else await Promise.race([closed, sleep(patienceMs)]);
  if (conversation.ending === "end") await Promise.race([closed, sleep(patienceMs)]);
  socket.destroy();
  await closed;
  return judge(received());
}

/** Reads, and tells what came first. */
function keep(socket: Socket): () => Buffer {
  const chunks: Buffer[] = [];
  let bytes = 0;
  socket.on("data", (chunk: Buffer) => {
    if (bytes < keptBytes) chunks.push(chunk);
    bytes += chunk.length;
  });
  socket.on("error", () => undefined);
  socket.setTimeout(closeTimeoutMs, () => socket.destroy());
  return () => Buffer.concat(chunks).subarray(0, keptBytes);
}

async function sendAll(socket: Socket, packets: readonly Buffer[]): Promise<void> {
  for (const packet of packets) {
    // One packet after the other is what it is about, and so are turns of the event loop between them.
    if (socket.destroyed) return;
    if (!socket.write(packet))
      await Promise.race([once(socket, "drain"), once(socket, "close")]).catch(() => undefined);
    else await nextTurn();
  }
}

/** What must never come from the server, whatever was sent. */
function judge(received: Buffer): string | undefined {
  if (received.length === 0) return undefined;
  const head = received.toString("latin1", 0, received.indexOf("\r\n\r\n"));
  const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(head) ?? [];
  if (status === undefined) return `the answer is no HTTP: ${JSON.stringify(head.slice(0, 200))}`;
  if (status === "500") return `the answer is: ${JSON.stringify(head.slice(0, 200))}`;
  return status === "101" ? judgeFrames(received.subarray(head.length + 4)) : undefined;
}

function judgeFrames(bytes: Buffer): string | undefined {
  let wrong: string | undefined;
  let isOver = false;
  const parser = new FrameParser((first) => {
    if (isOver) wrong ??= "a frame comes behind the close frame";
    if (!knownOpcodes.has(first & 0x0f) || (first & 0xb0) !== 0x80) wrong ??= `a frame begins with ${first}`;
    isOver = (first & 0x0f) === 0x8;
  });
  try {
    parser.push(bytes, 0, bytes.length);
  } catch (error) {
    return String(error);
  }
  return wrong;
}
