import { close, constants, open, type ReadStream, read, type Stats } from "node:fs";
import { access, realpath, stat } from "node:fs/promises";
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http";
import { join, sep } from "node:path";
import send from "send";
import { ServerError } from "../errors.ts";
import type { Reloadable } from "../reloadable.ts";
import { Pace } from "./pace.ts";
import { redirectToFolder, respondText, setOwnHeader } from "./respond.ts";

const indexFile = "index.html";

/**
 * A file takes its time to be found, and each piece of it, up to 64 KiB, to be written. Whoever is in a hurry stands behind
 * all of that, since libuv takes one new connection a turn.
 */
const stepsInTurn = 2;

/** The files of one folder over HTTP. Nothing outside of it is ever read, nor anything hidden in it. */
export class StaticFiles implements Reloadable {
  readonly what: string;
  readonly #folder: string;
  readonly #pace: Pace;
  /** What streams read with. */
  readonly #fileSystem: object;
  #root = "";

  private constructor(folder: string, pace: Pace) {
    this.what = `folder of static files ${folder}`;
    this.#folder = folder;
    this.#pace = pace;
    this.#fileSystem = { open, close, read: (...call: Parameters<typeof read>) => pace.begin(() => read(...call)) };
  }

  /** @throws ServerError ERR_STATIC_DIR where there is no such folder. */
  static async open(folder: string, pace = new Pace(stepsInTurn)): Promise<StaticFiles> {
    const files = new StaticFiles(folder, pace);
    await files.reload();
    return files;
  }

  /** Finds out where the folder is: a symbolic link may lead to another one since. @throws ServerError ERR_STATIC_DIR */
  async reload(): Promise<void> {
    this.#root = await realFolder(this.#folder);
  }

  /** Answers a GET or HEAD of a decoded path: the file, a redirect to the folder's own path, or 404. */
  async serve(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    await this.#pace.turn();
    const file = isTidy(path) ? await this.#find(path) : undefined;
    if (file === undefined) respondText(response, 404, "not found");
    else if (file === "folder") redirectToFolder(request, response);
    else this.#send(request, response, file);
  }

  /** The real path of what is asked for, relative to the root; "folder" where a slash is missing. */
  async #find(path: string): Promise<string | undefined> {
    const asked = await this.#resolve(path);
    if (asked === undefined) return undefined;
    if (asked.isFile) return path.endsWith("/") ? undefined : asked.path;
    if (!asked.isFolder) return undefined;
    if (!path.endsWith("/")) return "folder";
    const index = await this.#resolve(`${path}${indexFile}`);
    return index?.isFile ? index.path : undefined;
  }

  /** Follows links, and knows nothing of what lies outside the root. */
  async #resolve(path: string): Promise<{ path: string; isFile: boolean; isFolder: boolean } | undefined> {
    try {
      const real = await realpath(join(this.#root, path));
      const prefix = this.#root.endsWith(sep) ? this.#root : this.#root + sep;
      if (real !== this.#root && !real.startsWith(prefix)) return undefined;
      const found = await stat(real);
      if (found.isFile()) await access(real, constants.R_OK);
      return { path: real.slice(this.#root.length), isFile: found.isFile(), isFolder: found.isDirectory() };
    } catch {
      // There is no such file, or it may not be read: for the client that is the same.
      return undefined;
    }
  }

  #send(request: IncomingMessage, response: ServerResponse, file: string): void {
    const encoded = file.split(sep).map(encodeURIComponent).join("/");
    setOwnHeader(response, "X-Content-Type-Options", "nosniff");
    // `send` hands them on to the stream, which its types do not say.
    const ofStream: object = { fs: this.#fileSystem };
    send(request, encoded, { ...ofStream, root: this.#root, dotfiles: "allow", index: false, cacheControl: false })
      .on("file", (_path: string, { size }: Stats) => shortenSuffix(request, size))
      .on("headers", (_response: ServerResponse, _path: string, stats: Stats) => {
        setOwnHeader(response, "Cache-Control", "no-cache");
        response.setHeader("ETag", etagOf(stats));
      })
      .on("stream", (stream: ReadStream) => stream.once("end", () => cutShort(response, stream.bytesRead)))
      .on("error", (error: { status?: number }) => respondError(response, error.status ?? 404))
      .pipe(response);
  }
}

async function realFolder(folder: string): Promise<string> {
  try {
    const root = await realpath(folder);
    if ((await stat(root)).isDirectory()) return root;
  } catch (error) {
    throw new ServerError("ERR_STATIC_DIR", notAFolder(folder), { cause: error });
  }
  throw new ServerError("ERR_STATIC_DIR", notAFolder(folder));
}

function notAFolder(folder: string): string {
  return `--staticdir: expected a folder, got ${JSON.stringify(folder)}`;
}

/** No way out, nothing hidden, nothing that some file systems read otherwise. */
function isTidy(path: string): boolean {
  return !path.includes("\\") && !path.split("/").some((segment) => segment.startsWith("."));
}

/**
 * Package managers and images give files a time that is always the same, and a page that names others by their hashes keeps its
 * length: so there is also when the file came to be here, which nobody can choose.
 */
function etagOf({ size, mtimeMs, ctimeMs }: Stats): string {
  return `W/"${[size, mtimeMs, ctimeMs].map((number) => Math.trunc(number * 1000).toString(36)).join("-")}"`;
}

/** A suffix longer than the file means all of it (RFC 9110 section 14.1.2); `send` would take it for a mistake. */
function shortenSuffix(request: IncomingMessage, size: number): void {
  const [, suffix] = /^bytes=-(\d+)$/.exec(request.headers.range ?? "") ?? [];
  if (Number(suffix) > size) request.headers.range = "bytes=0-";
}

/** Where a file has become shorter meanwhile, the next answer must not be taken for its rest. */
function cutShort(response: ServerResponse, sentBytes: number): void {
  if (sentBytes < Number(response.getHeader("Content-Length"))) response.destroy();
}

function respondError(response: ServerResponse, status: number): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  // By then `send` has described the file, or the part of it that was asked for; but 416 tells how long the file is.
  const ofFile = ["Content-Length", "Content-Type", "ETag", "Last-Modified"];
  for (const name of status === 416 ? ofFile : [...ofFile, "Content-Range"]) response.removeHeader(name);
  respondText(response, status, (STATUS_CODES[status] ?? "not found").toLowerCase());
}
