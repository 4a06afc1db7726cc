import type { ServerResponse } from "node:http";

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

/** Answers with a whole body; to HEAD, Node sends the headers alone. */
export function respond(
  response: ServerResponse,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, {
    "Content-Length": String(Buffer.byteLength(body)),
    "X-Content-Type-Options": "nosniff",
    ...headers,
  });
  response.end(body);
}
