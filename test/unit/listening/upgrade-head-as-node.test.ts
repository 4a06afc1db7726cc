import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { Duplex } from "node:stream";
import { buffer } from "node:stream/consumers";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readUpgradeHead } from "../../../src/listening/upgrade-head.ts";

const runs = 400;

/** An upgrade as Node has read it, with all that came behind its head. */
interface Reading {
  readonly request: IncomingMessage;
  readonly behind: Buffer;
}

/** Node's own reader: a server that is sent bytes as they are. */
class NodeReader implements AsyncDisposable {
  readonly #http = createServer((_request, response) => response.end());
  #read: Promise<Reading> | undefined;

  constructor() {
    this.#http.on("upgrade", (request, socket, head) => {
      this.#read = readAll(request, socket, head);
    });
  }

  async open(): Promise<this> {
    await once(this.#http.listen(0, "127.0.0.1"), "listening");
    return this;
  }

  /** Undefined where Node does not take the bytes for an upgrade. */
  async read(bytes: Buffer): Promise<Reading | undefined> {
    this.#read = undefined;
    const { port } = this.#http.address() as AddressInfo;
    const client = connect({ host: "127.0.0.1", port });
    client.end(bytes);
    client.on("error", () => undefined).resume();
    await new Promise((resolve) => client.on("close", resolve));
    return this.#read;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#http.close(), "close");
    this.#http.closeAllConnections();
    await closed;
  }
}

async function readAll(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<Reading> {
  const rest = await buffer(socket);
  socket.end();
  return { request, behind: Buffer.concat([head, rest]) };
}

const sometimes = <T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ arbitrary: usual, weight: 20 }, { arbitrary: odd, weight: 1 });

const printable = fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code));
const visible = printable.filter((character) => character !== " ");
const byte = fc.integer({ min: 0, max: 0xff }).map((code) => String.fromCharCode(code));

const target = fc.string({ unit: visible, maxLength: 40 }).map((rest) => `/${rest}`);
const requestLine = sometimes(
  target.map((where) => `GET ${where} HTTP/1.1`),
  fc
    .tuple(fc.constantFrom("get", "POST", "HEAD", "CONNECT"), target, fc.constantFrom("HTTP/1.0", "HTTP/1.1"))
    .map((words) => words.join(" ")),
);

/** In some other case. */
function inAnyCase(text: string): fc.Arbitrary<string> {
  return fc.oneof(fc.constant(text), fc.mixedCase(fc.constant(text)));
}

const name = fc.oneof(
  fc
    .constantFrom("Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol", "Origin", "Cookie")
    .chain(inAnyCase),
  fc.constantFrom("Proxy-Connection", "Keep-Alive", "HTTP2-Settings", "Date", "ETag", "User-Agent").chain(inAnyCase),
  fc.constantFrom("constructor", "toString", "valueOf", "hasOwnProperty", "length", "0", "17", "__proto__x"),
  fc.string({ unit: fc.constantFrom(...Array.from("!#$%&'*+-.^_`|~059azAZ")), minLength: 1, maxLength: 12 }),
  sometimes(
    fc.constant("A"),
    fc.constantFrom("__proto__", "Content-Length", "Transfer-Encoding", "Expect", "TE", "Trailer", "Set-Cookie"),
  ),
);
const value = fc.oneof(
  fc.string({ unit: fc.oneof(printable, fc.constant("\t")), maxLength: 30 }).map((text) => text.trim()),
  fc.constantFrom("", "close", "chunked", "5", "websocket", "Upgrade", "keep-alive", "100-continue", "a, b; c=d"),
);
const colon = sometimes(fc.constantFrom(": ", ":"), fc.constantFrom(":  ", ":\t", " : ", "", ": \t"));

function line(names: fc.Arbitrary<string>, values: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc.tuple(names, colon, values).map((parts) => parts.join(""));
}

/** What is needed, and what may not be wanted. */
const lines = fc
  .tuple(
    line(inAnyCase("Host"), value),
    line(
      inAnyCase("Connection"),
      sometimes(
        fc.constantFrom("Upgrade", "keep-alive, Upgrade", "keep-alive,Upgrade").chain(inAnyCase),
        fc.constantFrom("close", "close, Upgrade", "Upgrade, close", "keep-alive", "Upgrade, TE", "upgrade,"),
      ),
    ),
    line(
      inAnyCase("Upgrade"),
      sometimes(inAnyCase("websocket"), fc.constantFrom("h2c", "websocket, h2c", "websocket/13", "")),
    ),
    fc.uniqueArray(fc.tuple(name, colon, value), { selector: ([each]) => each.toLowerCase(), maxLength: 12 }),
  )
  .chain(([host, connection, upgrade, others]) => {
    const all = [host, connection, upgrade, ...others.map((parts) => parts.join(""))];
    const some = fc.shuffledSubarray(all, { minLength: all.length });
    return sometimes(some, fc.shuffledSubarray([...all, ...all], { minLength: 3 }));
  });

/** A byte that is added, or that takes the place of others. */
const mutation = fc.record({
  at: fc.nat(500),
  removed: fc.constantFrom(0, 1, 1, 2),
  added: fc.oneof(byte, fc.constantFrom("\r", "\n", "\r\n", " ", "\t", ":", "\0", "")),
});

const mutations = sometimes(
  fc.array(mutation, { maxLength: 1 }).filter(({ length }) => length === 0),
  fc.array(mutation, { minLength: 1, maxLength: 2 }),
);

const requests = fc
  .record({ requestLine, lines, mutations, behind: fc.string({ unit: byte, maxLength: 100 }) })
  .map((parts) => {
    let head = [parts.requestLine, ...parts.lines, "", ""].join("\r\n");
    for (const { at, removed, added } of parts.mutations) {
      const place = at % head.length;
      head = head.slice(0, place) + added + head.slice(place + removed);
    }
    return head + parts.behind;
  });

test("whatever head is taken, Node reads the same in it, and the same behind it", async () => {
  await using node = await new NodeReader().open();
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(requests, async (text) => {
      const read = readUpgradeHead(text);
      if (read === undefined) return;
      taken += 1;
      const { request, behind } = (await node.read(Buffer.from(text, "latin1"))) ?? {};
      expect([request?.method, request?.httpVersion]).toEqual(["GET", "1.1"]);
      expect(request?.url).toBe(read.url);
      expect(request?.rawHeaders).toEqual(read.rawHeaders);
      expect(Object.entries(request?.headers ?? {})).toEqual(Object.entries(read.headers));
      const distinct = Object.entries(read.headers).map(([key, only]) => [key, [only]]);
      expect(Object.entries(request?.headersDistinct ?? {})).toEqual(distinct);
      expect(behind?.toString("latin1")).toBe(text.slice(read.length));
    }),
    { numRuns: runs },
  );
  // Were all of them left, nothing would have been compared.
  expect(taken).toBeGreaterThan(runs / 5);
});
