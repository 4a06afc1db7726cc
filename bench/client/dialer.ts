import { connect } from "node:net";
import { Client } from "./client.ts";

const readBufferBytes = 256 * 1024;
/** Below the 28,000 ports that Linux gives out for one source address. */
const clientsPerSource = 20_000;
const maxOpeningAtOnce = 256;

/** Connects clients to one server. */
export class Dialer {
  readonly #host: string;
  readonly #port: number;
  readonly #headers: readonly string[];
  /** One for all: what is in it is read before anything else is. */
  readonly #readBuffer = Buffer.allocUnsafeSlow(readBufferBytes);
  #dialled = 0;

  /** `headers` are further lines of each request. */
  constructor(host: string, port: number, headers: readonly string[] = []) {
    this.#host = host;
    this.#port = port;
    this.#headers = headers;
  }

  /** A client on its way in: listen to it at once, so that nothing is missed, and wait until it is `opened`. */
  dial(path: string): Client {
    const source = sourceAddress(this.#dialled);
    this.#dialled += 1;
    const socket = connect({
      host: this.#host,
      port: this.#port,
      noDelay: true,
      ...(source === undefined ? {} : { localAddress: source }),
      onread: {
        buffer: this.#readBuffer,
        callback: (length) => {
          client.take(this.#readBuffer, length);
          return true;
        },
      },
    });
    const client = new Client(socket, upgradeRequest(path, `${this.#host}:${this.#port}`, this.#headers));
    return client;
  }

  /** Opens many, as many at once as a server's backlog holds; `pathOf` gives each its path. @throws where one is refused. */
  async openAll(count: number, pathOf: (index: number) => string): Promise<Client[]> {
    const clients: Client[] = [];
    let next = 0;
    const openInTurn = async (): Promise<void> => {
      while (next < count) {
        const client = this.dial(pathOf(next));
        clients[next] = client;
        next += 1;
        await client.opened;
      }
    };
    await Promise.all(Array.from({ length: Math.min(count, maxOpeningAtOnce) }, openInTurn));
    return clients;
  }
}

/** Where the ports of one address run out, loopback has others: 127.0.0.2 and so on. */
function sourceAddress(index: number): string | undefined {
  const block = Math.floor(index / clientsPerSource);
  return block === 0 ? undefined : `127.0.0.${1 + (block % 250)}`;
}

function upgradeRequest(path: string, host: string, headers: readonly string[]): string {
  return [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
    ...headers,
    "\r\n",
  ].join("\r\n");
}
