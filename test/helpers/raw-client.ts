import { connect, type Socket } from "node:net";
import { upgradeRequest } from "./raw-socket.ts";
import type { TestServer } from "./server.ts";
import { until } from "./until.ts";

interface Frame {
  readonly opcode: number;
  readonly isCompressed: boolean;
  readonly payload: Buffer;
}

/** A client that sends bytes as they are. */
export class RawClient implements AsyncDisposable {
  readonly socket: Socket;
  /** Resolves when the connection is gone, however it ended. */
  readonly ended: Promise<void>;
  #bytes = Buffer.alloc(0);

  /** To a port of the loopback interface, or to a unix socket. */
  constructor(server: Pick<TestServer, "port"> | { readonly path: string }) {
    const place = "path" in server ? server : { host: "127.0.0.1", port: server.port };
    this.socket = connect({ ...place, noDelay: true });
    this.socket.on("error", () => undefined);
    this.socket.on("data", (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
    });
    this.ended = new Promise((resolve) => {
      this.socket.on("close", () => resolve());
    });
  }

  /** Resolves when the operating system has taken the bytes. */
  async send(...pieces: readonly (Buffer | string)[]): Promise<void> {
    const bytes = Buffer.concat(pieces.map((piece) => Buffer.from(piece)));
    await new Promise<void>((resolve) => {
      this.socket.write(bytes, () => resolve());
    });
  }

  /** Becomes a websocket in the room; `target` begins with a slash. */
  async join(target: string, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.send(upgradeRequest(target, headers));
    await until(() => this.head.startsWith("HTTP/1.1 101 "), "the handshake");
  }

  /** All that has come so far; each character is a byte. */
  get received(): string {
    return this.#bytes.toString("latin1");
  }

  /** The answer's lines, once it is there. */
  get head(): string {
    const end = this.#bytes.indexOf("\r\n\r\n");
    return end === -1 ? "" : this.#bytes.toString("latin1", 0, end);
  }

  /** All whole frames that came behind the answer. */
  get frames(): Frame[] {
    const frames: Frame[] = [];
    let at = this.#bytes.indexOf("\r\n\r\n") + 4;
    while (at + 2 <= this.#bytes.length) {
      const [first = 0, short = 0] = this.#bytes.subarray(at);
      const payloadAt = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
      if (payloadAt > this.#bytes.length) break;
      const length = short < 126 ? short : short === 126 ? this.#bytes.readUInt16BE(at + 2) : Number.NaN;
      if (!(payloadAt + length <= this.#bytes.length)) break;
      const payload = this.#bytes.subarray(payloadAt, payloadAt + length);
      frames.push({ opcode: first & 0x0f, isCompressed: (first & 0x40) !== 0, payload });
      at = payloadAt + length;
    }
    return frames;
  }

  get texts(): string[] {
    return this.frames.filter(({ opcode }) => opcode === text).map(({ payload }) => payload.toString());
  }

  /** The code that the server has closed the websocket with. */
  get closeCode(): number | undefined {
    return this.#closing?.readUInt16BE(0);
  }

  /** The reason beside it. */
  get closeReason(): string | undefined {
    return this.#closing?.toString("utf8", 2);
  }

  get #closing(): Buffer | undefined {
    return this.frames.find(({ opcode }) => opcode === close)?.payload;
  }

  async messages(count: number): Promise<string[]> {
    await until(
      () => this.texts.length >= count,
      () => `${count} messages, got ${this.texts.join(" ")}`,
    );
    return this.texts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.destroy();
    await this.ended;
  }
}

export const continuation = 0x0;
export const text = 0x1;
export const binary = 0x2;
export const close = 0x8;
export const ping = 0x9;
export const pong = 0xa;

interface FrameOptions {
  readonly isFinal?: boolean;
  readonly reservedBits?: number;
  readonly isMasked?: boolean;
  /** What the header announces. */
  readonly length?: bigint;
}

/** A frame of a client (RFC 6455 section 5.2). */
export function frame(opcode: number, content: Buffer | string = "", options: FrameOptions = {}): Buffer {
  const { isFinal = true, reservedBits = 0, isMasked = true } = options;
  const payload = Buffer.from(content);
  const length = options.length ?? BigInt(payload.length);
  const extended = length < 126n ? 0 : length < 65_536n ? 2 : 8;
  const header = Buffer.alloc(2 + extended);
  header[0] = (isFinal ? 0x80 : 0) | (reservedBits << 4) | opcode;
  header[1] = (isMasked ? 0x80 : 0) | (extended === 0 ? Number(length) : extended === 2 ? 126 : 127);
  if (extended === 2) header.writeUInt16BE(Number(length), 2);
  if (extended === 8) header.writeBigUInt64BE(length, 2);
  const mask = Buffer.from(isMasked ? [0x12, 0x34, 0x56, 0x78] : []);
  const masked = isMasked ? payload.map((byte, at) => byte ^ (mask[at % 4] as number)) : payload;
  return Buffer.concat([header, mask, masked]);
}

/** A text message in one frame. */
export function textFrame(content: string): Buffer {
  return frame(text, content);
}

/** A text in fragments of one byte each. */
export function inFragments(content: string): Buffer {
  const last = content.length - 1;
  const fragments = Array.from(content, (byte, at) =>
    frame(at === 0 ? text : continuation, byte, { isFinal: at === last }),
  );
  return Buffer.concat(fragments);
}

export function closeFrame(code: number, reason: Buffer | string = ""): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return frame(close, Buffer.concat([payload, Buffer.from(reason)]));
}
