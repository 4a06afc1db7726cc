import { messageOf, ServerError } from "../errors.ts";
import { readSmallFile } from "../system/small-file.ts";

/** Reads a file of keys or passwords, which `flag` names. @throws ServerError ERR_AUTH_FILE */
export async function readAuthFile(flag: string, path: string): Promise<Buffer> {
  try {
    return await readSmallFile(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ServerError("ERR_AUTH_FILE", `${flag}: cannot read ${path}: ${code ?? messageOf(error)}`, {
      cause: error,
    });
  }
}

/** What is wrong with such a file; `where` is its path, with the line where there is one. */
export function authFileError(flag: string, where: string, fault: string): ServerError {
  return new ServerError("ERR_AUTH_FILE", `${flag}: ${where}: ${fault}`);
}
