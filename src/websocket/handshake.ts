import { hash } from "node:crypto";
import { type Header, headerLines } from "../answer-headers.ts";
import { RefusedError } from "../errors.ts";
import { httpToken } from "../http-token.ts";
import { hasBody, type RequestHead } from "../request-head.ts";
import { isTokenProtocol } from "../token-protocol.ts";
import { agreeOnExtension } from "./extensions.ts";

const version = "13";
/** RFC 6455 section 1.3. */
const acceptGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const base64 = /^[A-Za-z0-9+/]{1,256}={0,2}$/;

/** Whether a request wants to become a websocket. */
export function wantsWebsocket(request: RequestHead): boolean {
  return request.headers.upgrade?.toLowerCase() === "websocket";
}

export interface HandshakeOptions {
  /** The subprotocols that are spoken; undefined where it is all the same. */
  readonly subprotocols?: readonly string[] | undefined;
  /** Headers of all answers. */
  readonly headers?: readonly Header[];
  /** Whether messages are compressed for clients that want it. */
  readonly compress?: boolean;
}

/** How a handshake is completed. */
export interface HandshakeAnswer {
  readonly text: string;
  /** The subprotocol that was chosen, if it is one that is spoken: not one that only carries a token. */
  readonly subprotocol: string | undefined;
  /** Whether messages may be compressed, both ways. */
  readonly isCompressing: boolean;
}

/**
 * Checks the client's side of the handshake and returns the answer that completes it (RFC 6455 section 4.2). A key is
 * answered whatever its length.
 * @throws RefusedError 400 that says what is wrong.
 */
export function answerHandshake(request: RequestHead, options: HandshakeOptions = {}): HandshakeAnswer {
  const { headers, headersDistinct, httpVersion, method } = request;
  const key = headers["sec-websocket-key"];
  if (method !== "GET") throw new RefusedError(400, `a websocket is asked for with GET, not ${method ?? "nothing"}`);
  if (httpVersion !== "1.1") throw new RefusedError(400, `a websocket is asked for with HTTP/1.1, not ${httpVersion}`);
  // What Node would pass on as the first frames, a proxy may take for a body.
  if (hasBody(request)) throw new RefusedError(400, "a request for a websocket has no body");
  if (headersDistinct["host"]?.length !== 1) throw new RefusedError(400, "there must be one Host header");
  if (headers["sec-websocket-version"] !== version) {
    throw new RefusedError(400, `Sec-WebSocket-Version must be ${version}`, { "Sec-WebSocket-Version": version });
  }
  if (key === undefined || !base64.test(key)) throw new RefusedError(400, "Sec-WebSocket-Key must be base64");
  const subprotocol = chooseSubprotocol(headers["sec-websocket-protocol"], options.subprotocols);
  const extension = options.compress ? agreeOnExtension(headers["sec-websocket-extensions"]) : undefined;
  const own = {
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Accept": hash("sha1", key + acceptGuid, "base64"),
    ...(subprotocol === undefined ? {} : { "Sec-WebSocket-Protocol": subprotocol }),
    ...(extension === undefined ? {} : { "Sec-WebSocket-Extensions": extension }),
  };
  const text = `HTTP/1.1 101 Switching Protocols\r\n${headerLines(own, options.headers ?? [])}\r\n`;
  const spoken = subprotocol !== undefined && isTokenProtocol(subprotocol) ? undefined : subprotocol;
  return { text, subprotocol: spoken, isCompressing: extension !== undefined };
}

/**
 * The first of those that the client offers, in its order of preference, that is spoken here. Without any, the handshake
 * goes on without one, and what that is worth is for the client to decide (RFC 6455 sections 4.1 and 4.2.2). One that
 * carries a token is chosen only where there is no other: browsers demand an answer.
 */
function chooseSubprotocol(offered: string | undefined, spoken: readonly string[] | undefined): string | undefined {
  if (offered === undefined) return undefined;
  const names = offered.split(",").map((name) => name.trim());
  if (!names.every((name) => httpToken.test(name)) || new Set(names).size !== names.length) {
    throw new RefusedError(400, "Sec-WebSocket-Protocol must be a list of different names");
  }
  const others = names.filter((name) => !isTokenProtocol(name));
  if (others.length === 0) return names[0];
  return spoken === undefined ? others[0] : others.find((name) => spoken.includes(name));
}
