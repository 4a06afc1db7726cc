import { RefusedError } from "../errors.ts";

/** Where a request wants to go. */
export interface Target {
  /** Percent-decoded once, beginning with a slash. */
  readonly path: string;
  /** The first segment of the path and what follows it, decoded each by itself. */
  readonly room: string;
  readonly rest: string;
  /** Without its question mark, as it came. */
  readonly query: string;
}

/** Reads a request target (RFC 9112 section 3.2). @throws RefusedError 400 */
export function parseTarget(url: string): Target {
  const origin = /^https?:\/\/[^/?#]*/i.exec(url)?.[0] ?? "";
  const [path = "", ...queries] = url.slice(origin.length).split("?");
  if (!path.startsWith("/") && !(origin !== "" && path === "")) throw new RefusedError(400, "path must begin with /");
  const slash = path.indexOf("/", 1);
  const segmentEnd = slash === -1 ? path.length : slash;
  return {
    path: decode(path === "" ? "/" : path),
    room: decode(path.slice(1, segmentEnd)),
    rest: decode(path.slice(segmentEnd)),
    query: queries.join("?"),
  };
}

function decode(text: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch (error) {
    throw Object.assign(new RefusedError(400, "path is not valid percent-encoded UTF-8"), { cause: error });
  }
  if (decoded.includes("\0")) throw new RefusedError(400, "path must not hold a NUL");
  return decoded;
}
