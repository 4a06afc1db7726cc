import { once } from "node:events";
import { constants } from "node:fs";
import { chmod, type FileHandle, link, lstat, mkdtemp, open, rename, rm, unlink } from "node:fs/promises";
import { connect, type Server } from "node:net";
import { dirname, join } from "node:path";
import { ServerError } from "../errors.ts";
import { maxSocketPathBytes } from "../options.ts";
import { maxBacklog } from "./place.ts";

const answerTimeoutMs = 1000;
/** What it is called in its folder, before it comes to its place. */
const boundName = "s";

/** The file of a unix socket that this process listens on. */
export class UnixSocket {
  readonly #path: string;
  readonly #device: bigint;
  readonly #inode: bigint;

  private constructor(path: string, device: bigint, inode: bigint) {
    this.#path = path;
    this.#device = device;
    this.#inode = inode;
  }

  /**
   * Has a server listen on a path. What is left there of a server that is gone is replaced, and nothing else. The file gets
   * its mode in a folder that nobody else may enter, and only then its place: at no time may somebody connect who must not.
   * @throws ServerError ERR_LISTEN, or the error of a call of the system.
   */
  static async listen(server: Server, path: string, mode: number): Promise<UnixSocket> {
    const folder = await mkdtemp(join(dirname(path), ".s"));
    try {
      await bind(server, folder);
      const bound = join(folder, boundName);
      await chmod(bound, mode);
      await makeWay(path, folder);
      await link(bound, path);
      const { dev, ino } = await lstat(path, { bigint: true });
      return new UnixSocket(path, dev, ino);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Removes the file, unless another one has taken its place meanwhile. */
  async remove(): Promise<void> {
    const found = await statOf(this.#path);
    if (found?.dev === this.#device && found.ino === this.#inode) await unlink(this.#path);
  }
}

/** The folder's name may be too long where that of the socket is not: then its descriptor stands for it. */
async function bind(server: Server, folder: string): Promise<void> {
  const path = join(folder, boundName);
  if (Buffer.byteLength(path) <= maxSocketPathBytes) {
    await listen(server, path);
    return;
  }
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
    await listen(server, join("/proc/self/fd", String(handle.fd), boundName));
  } finally {
    await handle?.close();
  }
}

async function listen(server: Server, path: string): Promise<void> {
  server.listen({ path, backlog: maxBacklog });
  await once(server, "listening");
}

/** Takes away the socket of a server that is gone. Whoever does so at the same time finds out that it was not the first. */
async function makeWay(path: string, folder: string): Promise<void> {
  const found = await statOf(path);
  if (found === undefined) return;
  if (!found.isSocket()) throw refused(path, "what is there is no socket");
  if (await isAnswered(path)) throw refused(path, "another server listens on it");
  const away = join(folder, "dead");
  await rename(path, away);
  const taken = await lstat(away, { bigint: true });
  if (taken.ino === found.ino && taken.dev === found.dev) return;
  await link(away, path);
  throw refused(path, "another server has just begun to listen on it");
}

/** Whether there is somebody behind a socket. Only a refused connection says that there is nobody. */
async function isAnswered(path: string): Promise<boolean> {
  const socket = connect({ path });
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(answerTimeoutMs) });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EACCES") throw error;
    return code !== "ECONNREFUSED" && code !== "ENOENT";
  } finally {
    socket.destroy();
  }
}

async function statOf(path: string) {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function refused(path: string, reason: string): ServerError {
  return new ServerError("ERR_LISTEN", `cannot listen on unix:${path}: ${reason}`);
}
