import { RefusedError } from "../errors.ts";

/** Where a request wants to go. */
export interface Target {
  /** Percent-decoded once, beginning with a slash, or empty. */
  readonly path: string;
  /** The first segment of the path and what follows it, decoded each by itself. */
  readonly room: string;
  readonly rest: string;
  /** Without its question mark, as it came. */
  readonly query: string;
}

/**
 * Reads a request target (RFC 9112 section 3.2). The path and the room are those below `basePath`, and the path is empty
 * where even the slash behind that is missing.
 * @throws RefusedError 400, or 404 where the path is not below `basePath`.
 */
export function parseTarget(url: string, basePath = ""): Target {
  const origin = /^https?:\/\/[^/?#]*/i.exec(url)?.[0] ?? "";
  const [whole = "", ...queries] = url.slice(origin.length).split("?");
  if (!whole.startsWith("/") && !(origin !== "" && whole === "")) throw new RefusedError(400, "path must begin with /");
  const path = basePath === "" ? whole || "/" : pathBelow(basePath, whole);
  const slash = path.indexOf("/", 1);
  const segmentEnd = slash === -1 ? path.length : slash;
  return {
    path: decode(path),
    room: decode(path.slice(1, segmentEnd)),
    rest: decode(path.slice(segmentEnd)),
    query: queries.join("?"),
  };
}

/** Characters of the base path may be percent-encoded in a request, but for its slashes. */
function pathBelow(basePath: string, path: string): string {
  const depth = basePath.split("/").length;
  const segments = path.split("/");
  const start = segments.slice(0, depth).map((segment) => decode(segment).replaceAll("/", "%2F"));
  if (start.join("/") !== basePath) throw new RefusedError(404, `not found: all that is here is below ${basePath}/`);
  return segments.length === depth ? "" : `/${segments.slice(depth).join("/")}`;
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
