import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { RefusedError } from "../errors.ts";
import { agreeOnExtension } from "./extensions.ts";

const version = "13";
/** RFC 6455 section 1.3. */
const acceptGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const base64 = /^[A-Za-z0-9+/]{1,256}={0,2}$/;
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Whether a request wants to become a websocket. */
export function wantsWebsocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === "websocket";
}

export interface HandshakeOptions {
  /** Whether messages are compressed for clients that want it. */
  readonly compress?: boolean;
}

/** How a handshake is completed. */
export interface HandshakeAnswer {
  readonly text: string;
  /** Whether messages may be compressed, both ways. */
  readonly isCompressing: boolean;
}

/**
 * Checks the client's side of the handshake and returns the answer that completes it (RFC 6455 section 4.2). A key is
 * answered whatever its length.
 * @throws RefusedError 400 that says what is wrong.
 */
export function answerHandshake(request: IncomingMessage, options: HandshakeOptions = {}): HandshakeAnswer {
  const { headers, headersDistinct, httpVersion, method } = request;
  const key = headers["sec-websocket-key"];
  if (method !== "GET") throw new RefusedError(400, `a websocket is asked for with GET, not ${method ?? "nothing"}`);
  if (httpVersion !== "1.1") throw new RefusedError(400, `a websocket is asked for with HTTP/1.1, not ${httpVersion}`);
  if (headersDistinct["host"]?.length !== 1) throw new RefusedError(400, "there must be one Host header");
  if (headers["sec-websocket-version"] !== version) {
    throw new RefusedError(400, `Sec-WebSocket-Version must be ${version}`, { "Sec-WebSocket-Version": version });
  }
  if (key === undefined || !base64.test(key)) throw new RefusedError(400, "Sec-WebSocket-Key must be base64");
  const protocol = firstProtocol(headers["sec-websocket-protocol"]);
  const extension = options.compress ? agreeOnExtension(headers["sec-websocket-extensions"]) : undefined;
  const accept = createHash("sha1").update(key).update(acceptGuid).digest("base64");
  const text =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    `Sec-WebSocket-Accept: ${accept}\r\n${protocol === undefined ? "" : `Sec-WebSocket-Protocol: ${protocol}\r\n`}` +
    `${extension === undefined ? "" : `Sec-WebSocket-Extensions: ${extension}\r\n`}\r\n`;
  return { text, isCompressing: extension !== undefined };
}

/** A client that offers subprotocols expects one of them to be chosen; to the server they are all the same. */
function firstProtocol(list: string | undefined): string | undefined {
  if (list === undefined) return undefined;
  const names = list.split(",").map((name) => name.trim());
  if (names.every((name) => token.test(name)) && new Set(names).size === names.length) return names[0];
  throw new RefusedError(400, "Sec-WebSocket-Protocol must be a list of different names");
}
