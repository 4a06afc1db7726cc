import type { IncomingMessage } from "node:http";
import { RefusedError } from "../errors.ts";

const version = "13";
const base64 = /^[A-Za-z0-9+/]{1,256}={0,2}$/;
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Whether a request wants to become a websocket. */
export function wantsWebsocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === "websocket";
}

/** Checks the client's side of the handshake (RFC 6455 section 4.2.1). @throws RefusedError 400 that says what is wrong. */
export function checkHandshake(request: IncomingMessage): void {
  const { headers, headersDistinct, httpVersion, method } = request;
  const key = headers["sec-websocket-key"];
  const protocols = headers["sec-websocket-protocol"];
  if (method !== "GET") throw new RefusedError(400, `a websocket is asked for with GET, not ${method ?? "nothing"}`);
  if (httpVersion !== "1.1") throw new RefusedError(400, `a websocket is asked for with HTTP/1.1, not ${httpVersion}`);
  if (headersDistinct["host"]?.length !== 1) throw new RefusedError(400, "there must be one Host header");
  if (headers["sec-websocket-version"] !== version) {
    throw new RefusedError(400, `Sec-WebSocket-Version must be ${version}`, { "Sec-WebSocket-Version": version });
  }
  if (key === undefined || !base64.test(key)) throw new RefusedError(400, "Sec-WebSocket-Key must be base64");
  if (protocols !== undefined && !isListOfNames(protocols)) {
    throw new RefusedError(400, "Sec-WebSocket-Protocol must be a list of different names");
  }
}

function isListOfNames(list: string): boolean {
  const names = list.split(",").map((name) => name.trim());
  return names.every((name) => token.test(name)) && new Set(names).size === names.length;
}
