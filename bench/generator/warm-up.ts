import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { Dialer } from "../client/dialer.ts";
import { frames } from "../client/frame-writer.ts";
import { countNumbered } from "./count-numbered.ts";
import { Ledger } from "./ledger.ts";
import { Round } from "./round.ts";

const host = "127.0.0.1";
const payloadBytes = 100;
const messages = 5000;
const clients = 20;

/**
 * Has the engine compile the way of a message through this generator before anything is measured: a server in this
 * process says what the real one is going to say.
 */
export async function warmUp(): Promise<void> {
  const answer = Buffer.concat([Buffer.from("HTTP/1.1 101 Switching Protocols\r\n\r\n"), ...numberedFrames()]);
  const server = createServer((socket) => socket.once("data", () => socket.end(answer)));
  server.listen(0, host);
  await once(server, "listening");
  const dialer = new Dialer(host, (server.address() as AddressInfo).port);
  const round = new Round(clients * messages);
  await round.run(() => {
    for (let client = 0; client < clients; client += 1) {
      dialer.dial("/").onMessage = countNumbered(new Ledger("nobody", payloadBytes), round);
    }
  });
  server.close();
}

function* numberedFrames(): Generator<Buffer> {
  for (let number = 0; number < messages; number += 1) {
    yield Buffer.of(frames.text, payloadBytes);
    yield Buffer.from(`${number} `.padEnd(payloadBytes, "x"));
  }
}
