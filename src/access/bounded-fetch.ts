/** What another web server has answered, all of it. */
export interface WholeAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/**
 * Asks another web server. Redirects are answers like any other: what is sent was meant for one server only.
 * Rejects where there is no whole answer, or more of it than `maxBytes`.
 */
export async function boundedFetch(url: string, init: RequestInit, maxBytes: number): Promise<WholeAnswer> {
  const response = await fetch(url, { ...init, redirect: "manual" });
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += (chunk as Uint8Array).length;
    if (length > maxBytes) throw new Error(`its answer is larger than ${maxBytes} bytes`);
    chunks.push(chunk as Uint8Array);
  }
  return { status: response.status, headers: response.headers, text: Buffer.concat(chunks).toString("utf8") };
}

/** What a server that closes a connection does to the request that was just sent on it. */
const cutCodes = new Set<unknown>(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);

/** Whether the connection was cut: on one that was used before, that may say nothing of what was asked. */
export function wasCut(error: unknown): boolean {
  return error instanceof Error && cutCodes.has((error as { cause?: { code?: unknown } }).cause?.code);
}

/** Why there was no answer, without the URL, which may hold secrets. */
export function fetchFault(error: unknown): string {
  if (!(error instanceof Error)) return "it cannot be reached";
  if (error.name === "TimeoutError" || error.name === "AbortError") return "it did not answer in time";
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  const { code } = cause as { code?: unknown };
  return `it cannot be reached: ${typeof code === "string" ? code : cause.message}`;
}
