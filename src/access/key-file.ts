import type { Reloadable } from "../reloadable.ts";
import { authFileError, readAuthFile } from "./auth-file.ts";
import { type Algorithm, KeyFault, parseKeys, type TokenKey } from "./token-keys.ts";

const flag = "--auth-jwt-key";

/** The keys of a file, by which tokens are checked. */
export class KeyFile implements Reloadable {
  readonly what: string;
  readonly #path: string;
  #keys: readonly TokenKey[] = [];

  private constructor(path: string) {
    this.what = `keys of tokens ${path}`;
    this.#path = path;
  }

  /** @throws ServerError ERR_AUTH_FILE */
  static async open(path: string): Promise<KeyFile> {
    const file = new KeyFile(path);
    await file.reload();
    return file;
  }

  async reload(): Promise<void> {
    const bytes = await readAuthFile(flag, this.#path);
    try {
      this.#keys = parseKeys(bytes);
    } catch (error) {
      throw error instanceof KeyFault ? authFileError(flag, this.#path, error.message) : error;
    }
  }

  /** The only key that a token can be signed with that says this of itself; undefined where there is none or are several. */
  find(algorithm: string, kid: string | undefined): TokenKey | undefined {
    const fitting = this.#keys.filter((key) => key.algorithm === (algorithm as Algorithm));
    const named = fitting.filter((key) => key.kid === kid);
    const nameless = fitting.filter((key) => kid === undefined || key.kid === undefined);
    const [key, ...others] = named.length > 0 ? named : nameless;
    return others.length === 0 ? key : undefined;
  }
}
