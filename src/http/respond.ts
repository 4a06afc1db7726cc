import type { IncomingMessage, ServerResponse } from "node:http";
import type { Header } from "../answer-headers.ts";

/** Sets headers that are on all answers, before any that the answer itself has. */
export function setHeadersForAll(response: ServerResponse, headers: readonly Header[]): void {
  for (const { name, value } of headers) response.appendHeader(name, value);
}

/** Answers with a short text for people. */
export function respondText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  respond(response, status, `${text}\n`, { "Content-Type": "text/plain; charset=utf-8", ...headers });
}

/** Answers with what holds only now. */
export function respondJson(response: ServerResponse, status: number, value: unknown): void {
  respondJsonText(response, status, JSON.stringify(value));
}

/** Answers like {@link respondJson}, with what is JSON already. */
export function respondJsonText(response: ServerResponse, status: number, text: string): void {
  const headers = { "Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store" };
  respond(response, status, text, headers);
}

/** Answers that what is asked for has a slash at its end. */
export function redirectToFolder(request: IncomingMessage, response: ServerResponse): void {
  const [path = "/", ...query] = (request.url ?? "/").split("?");
  // Two slashes at the front would be read as the name of another host.
  const location = [`${path.replace(/^\/+/, "/")}/`, ...query].join("?");
  respondText(response, 301, "moved to the path with a slash", { Location: location });
}

/** Answers with a whole body; to HEAD, Node sends the headers alone. What was set for all answers stays. */
export function respond(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>>,
): void {
  const all = {
    "Content-Length": String(Buffer.byteLength(body)),
    "X-Content-Type-Options": "nosniff",
    ...headers,
  };
  for (const [name, value] of Object.entries(all)) setOwnHeader(response, name, value);
  response.writeHead(status);
  response.end(body);
}

/** Sets a header that the answer itself has, unless one for all answers has its name. */
export function setOwnHeader(response: ServerResponse, name: string, value: string): void {
  if (!response.hasHeader(name)) response.setHeader(name, value);
}
