import { createHmac, randomBytes } from "node:crypto";
import pLimit from "p-limit";
import { messageOf } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { Reloadable } from "../reloadable.ts";
import { cannotTell, challenges, nothingShown, wrongPassword } from "./challenges.ts";
import type { Grant } from "./grant.ts";
import type { Hasher } from "./hash-thread.ts";
import { networkOf } from "./network.ts";
import { type PasswordHashes, readPasswordFile } from "./password-file.ts";
import { SecretCache } from "./secret-cache.ts";
import { passwordOf } from "./shown.ts";

/** So long a password that was right need not be hashed again. */
const keepMs = 300_000;
const maxKept = 10_000;
/** How many may wait for a hash, and how many of them from one address, or from one /64 of IPv6. */
const maxWaiting = 64;
const maxWaitingPerNetwork = 16;

/** Users and their passwords (RFC 7617), out of a file. */
export class Passwords implements Reloadable {
  readonly what: string;
  readonly #path: string;
  readonly #hasher: Hasher;
  readonly #logger: Logger;
  #hashes: PasswordHashes = new Map();
  /** All of them, for those who name no user. */
  #decoys: readonly string[] = [];
  /** One at a time: more would only share the core and multiply the memory. */
  readonly #limit = pLimit(1);
  readonly #right = new SecretCache<true>(maxKept);
  /** Checks that are under way: a page and all its files ask at once. */
  readonly #checks = new Map<string, Promise<boolean>>();
  readonly #waitingByNetwork = new Map<string, number>();
  readonly #decoyKey = randomBytes(32);
  #isClosed = false;

  private constructor(path: string, hasher: Hasher, logger: Logger) {
    this.what = `users ${path}`;
    this.#path = path;
    this.#hasher = hasher;
    this.#logger = logger;
  }

  /** @throws ServerError ERR_AUTH_FILE */
  static async open(path: string, hasher: Hasher, logger: Logger): Promise<Passwords> {
    const passwords = new Passwords(path, hasher, logger);
    await passwords.reload();
    return passwords;
  }

  async reload(): Promise<void> {
    this.#hashes = await readPasswordFile(this.#path);
    this.#decoys = [...this.#hashes.values()];
  }

  /** Gives up what is under way, and checks no more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#hasher.close();
  }

  /** @throws RefusedError 401, or 503 where too many ask at once */
  async check(authorization: string | undefined, address: string): Promise<Grant> {
    const shown = passwordOf(authorization);
    if (shown === undefined) throw nothingShown([challenges.basic]);
    const { user, password } = shown;
    const hash = this.#hashes.get(user);
    const key = this.#right.keyOf(JSON.stringify([hash ?? null, user, password]));
    if (this.#right.get(key) === undefined) {
      const fits = await this.#verdict(key, hash ?? this.#decoy(user), password, address);
      if (hash === undefined) throw wrongPassword("there is no such user");
      if (!fits) throw wrongPassword("the password is wrong");
      this.#right.set(key, true, keepMs);
    }
    return { identity: { user, authType: "Basic", expiresAtMs: null }, rooms: null };
  }

  /** The hash of somebody else, always the same for one name: nobody learns from the time that a name is no user's. */
  #decoy(user: string): string {
    const number = createHmac("sha256", this.#decoyKey).update(user).digest().readUInt32BE();
    return this.#decoys[number % this.#decoys.length] ?? "";
  }

  #verdict(key: string, hash: string, password: string, address: string): Promise<boolean> {
    return this.#checks.get(key) ?? this.#start(key, hash, password, address);
  }

  #start(key: string, hash: string, password: string, address: string): Promise<boolean> {
    const network = networkOf(address);
    const waiting = this.#waitingByNetwork.get(network) ?? 0;
    if (this.#limit.pendingCount >= maxWaiting || waiting >= maxWaitingPerNetwork) {
      throw cannotTell("too many passwords wait to be checked");
    }
    this.#waitingByNetwork.set(network, waiting + 1);
    const check = this.#limit(() => this.#verify(hash, password)).finally(() => {
      this.#checks.delete(key);
      this.#leave(network);
    });
    this.#checks.set(key, check);
    return check;
  }

  async #verify(hash: string, password: string): Promise<boolean> {
    // Neither of the two libraries' hashes is defined for it, and nobody has it.
    if (password === "") return false;
    // Who waited for their turn must not start again what has been closed.
    if (this.#isClosed) throw cannotTell("the server stops");
    try {
      return await this.#hasher.verify(hash, password);
    } catch (error) {
      if (this.#isClosed) throw cannotTell("the server stops");
      this.#logger.error(`a password cannot be checked: ${messageOf(error)}`);
      throw cannotTell("the hash cannot be computed");
    }
  }

  #leave(network: string): void {
    const waiting = (this.#waitingByNetwork.get(network) ?? 1) - 1;
    if (waiting === 0) this.#waitingByNetwork.delete(network);
    else this.#waitingByNetwork.set(network, waiting);
  }
}
