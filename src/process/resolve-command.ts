import { access, constants as modes, open, stat } from "node:fs/promises";
import { constants } from "node:os";

/** Where commands are looked for when nothing says where. */
export const standardPath = "/usr/bin:/bin";

const shell = "/bin/sh";
/** Linux looks no further for the end of the line with `#!`. */
const headBytes = 256;

/**
 * The words that run a command: the path of its file, behind that of the shell for a script without `#!`.
 * @throws an error of the operating system, with the `errno` that starting the command would fail with.
 */
export async function resolveCommand(command: string, searchPath: string): Promise<string[]> {
  const path = command.includes("/") ? command : await search(command, searchPath);
  await checkExecutable(path);
  const head = await readHead(path);
  const [, interpreter] = /^#![ \t]*([^ \t\n]+)/.exec(head) ?? [];
  if (interpreter !== undefined) await access(interpreter, modes.X_OK);
  return interpreter !== undefined || head.includes("\0") ? [path] : [shell, path];
}

/** The first file of that name that can be executed; as with execvp(3), one that cannot be hides no later one. */
async function search(name: string, searchPath: string): Promise<string> {
  let failure = systemError("ENOENT");
  for (const folder of searchPath.split(":")) {
    const path = `${folder === "" ? "." : folder}/${name}`;
    try {
      // One after the other: the first one counts.
      // oxlint-disable-next-line no-await-in-loop
      await checkExecutable(path);
      return path;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EACCES") failure = error as Error;
    }
  }
  throw failure;
}

async function checkExecutable(path: string): Promise<void> {
  const file = await stat(path);
  if (!file.isFile()) throw systemError("EACCES");
  await access(path, modes.X_OK);
}

/** The beginning of a file, as Latin-1. Who may not read it may still run it, if it is no script. */
async function readHead(path: string): Promise<string> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytes), 0, headBytes, 0);
    return buffer.toString("latin1", 0, bytesRead);
  } catch {
    return "\0";
  }
}

function systemError(code: "ENOENT" | "EACCES"): Error {
  return Object.assign(new Error(code), { code, errno: -constants.errno[code] });
}
