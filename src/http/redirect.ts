import type { IncomingMessage, ServerResponse } from "node:http";
import type { Header } from "../answer-headers.ts";
import { respondText, setHeadersForAll } from "./respond.ts";

const httpsPort = 443;

/** A name or an address, as it is allowed to stand in a url, and a port, which is not that of https. */
const hostPattern = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,253})(?::\d{0,5})?$/i;

/** Answers each request with where the same is over https (RFC 9110 section 15.4.9: method and body stay). */
export class Redirect {
  readonly #port: () => number;
  readonly #headers: readonly Header[];

  /** `port` tells where https is spoken; it is asked once requests come. `headers` are on all answers. */
  constructor(port: () => number, headers: readonly Header[]) {
    this.#port = port;
    this.#headers = headers;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    setHeadersForAll(response, this.#headers);
    const [, host] = hostPattern.exec(request.headers.host ?? "") ?? [];
    const path = pathOf(request.url ?? "");
    // A body that is on its way is not waited for.
    if (host === undefined) answer(response, 400, "a Host header with a name or an address is needed", {});
    else if (path === undefined) answer(response, 400, "path must begin with /", {});
    else {
      const port = this.#port();
      const location = `https://${host}${port === httpsPort ? "" : `:${port}`}${path}`;
      answer(response, 308, `use ${location}`, { Location: location });
    }
  }
}

function answer(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>>,
): void {
  respondText(response, status, text, { Connection: "close", ...headers });
}

/** Path and query of a target; undefined where there is something in it that may not stand in a url. */
function pathOf(target: string): string | undefined {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, "");
  const isWhole = path !== target && !path.startsWith("/");
  const rooted = isWhole ? `/${path}` : path;
  return /^\/[!-~]*$/.test(rooted) ? rooted : undefined;
}
