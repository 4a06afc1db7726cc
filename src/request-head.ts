import type { IncomingMessage } from "node:http";
import type { Endpoints } from "./system/endpoints.ts";

/** What a request says before its body, and where it came from: a request of Node's HTTP server, or one that was read otherwise. */
export interface RequestHead extends Pick<
  IncomingMessage,
  "headers" | "headersDistinct" | "httpVersion" | "method" | "rawHeaders" | "url"
> {
  readonly socket: Endpoints;
}

/** Whether something of the request comes behind its headers. */
export function hasBody({ headers }: RequestHead): boolean {
  return headers["transfer-encoding"] !== undefined || (headers["content-length"] ?? "0") !== "0";
}
