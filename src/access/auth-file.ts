import { open } from "node:fs/promises";
import { messageOf, ServerError } from "../errors.ts";

const maxBytes = 4 * 1024 * 1024;

/** Reads a file of keys or passwords, which `flag` names. @throws ServerError ERR_AUTH_FILE */
export async function readAuthFile(flag: string, path: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = await readStart(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ServerError("ERR_AUTH_FILE", `${flag}: cannot read ${path}: ${code ?? messageOf(error)}`, {
      cause: error,
    });
  }
  if (bytes.length > maxBytes) throw authFileError(flag, path, "larger than 4 MiB");
  return bytes;
}

/** What is wrong with such a file; `where` is its path, with the line where there is one. */
export function authFileError(flag: string, where: string, fault: string): ServerError {
  return new ServerError("ERR_AUTH_FILE", `${flag}: ${where}: ${fault}`);
}

/** Not the size that the system tells: the file may be a pipe. A device may never end. */
async function readStart(path: string): Promise<Buffer> {
  await using file = await open(path);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of file.createReadStream({ autoClose: false, end: maxBytes })) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length > maxBytes) break;
  }
  return Buffer.concat(chunks);
}
