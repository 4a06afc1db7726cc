import pLimit from "p-limit";
import { headersByName } from "../join-request.ts";
import type { Logger } from "../logger.ts";
import type { RequestHead } from "../request-head.ts";
import { boundedFetch, fetchFault, wasCut, type WholeAnswer } from "./bounded-fetch.ts";
import { cannotTell } from "./challenges.ts";
import type { Grant } from "./grant.ts";
import { parseAnswer, refusalOf, type Verdict } from "./hook-answer.ts";
import { SecretCache } from "./secret-cache.ts";
import type { Visitor } from "./visitor.ts";

const timeoutMs = 5000;
const maxAnswerBytes = 64 * 1024;
/** So many clients are asked about at once, and so many more may wait for that. */
const maxAsking = 64;
const maxWaiting = 1024;
const maxKept = 10_000;

/** Headers of the connection and its handshake: they say nothing of who somebody is, and one of them is always new. */
const omittedHeaders = new Set([
  "connection",
  "upgrade",
  "sec-websocket-key",
  "sec-websocket-version",
  "sec-websocket-extensions",
]);

/** A web hook that decides about clients. Where it cannot, nobody comes in. */
export class Hook {
  readonly #url: string;
  readonly #cacheMs: number;
  readonly #logger: Logger;
  #state: "new" | "works" | "fails" | "closed" = "new";
  readonly #limit = pLimit(maxAsking);
  readonly #asking = new Set<AbortController>();
  /** Of their own, so that whoever is refused a thousand times does not push out those who were let in. */
  readonly #granted = new SecretCache<Verdict>(maxKept);
  readonly #refused = new SecretCache<Verdict>(maxKept);

  constructor(url: string, cacheMs: number, logger: Logger) {
    this.#url = url;
    this.#cacheMs = cacheMs;
    this.#logger = logger;
  }

  /** @throws RefusedError 401 or 403 as the hook says, or 503 where it says neither that nor 200 */
  async ask(request: RequestHead, visitor: Visitor, room: string): Promise<Grant> {
    const question = JSON.stringify(describe(request, visitor, room));
    const verdict = this.#known(question) ?? (await this.#decide(question));
    if (verdict.kind === "grant") return verdict.grant;
    throw refusalOf(verdict);
  }

  /** Gives up all questions that are under way, which says nothing of the hook. */
  close(): void {
    this.#state = "closed";
    for (const controller of this.#asking) controller.abort();
  }

  #known(question: string): Verdict | undefined {
    if (this.#cacheMs === 0) return undefined;
    return this.#granted.get(this.#granted.keyOf(question)) ?? this.#refused.get(this.#refused.keyOf(question));
  }

  #keep(question: string, verdict: Verdict): void {
    if (this.#cacheMs === 0) return;
    const cache = verdict.kind === "grant" ? this.#granted : this.#refused;
    const expiresAtMs = verdict.kind === "grant" ? verdict.grant.identity.expiresAtMs : null;
    cache.set(cache.keyOf(question), verdict, Math.min(this.#cacheMs, (expiresAtMs ?? Infinity) - Date.now()));
  }

  async #decide(question: string): Promise<Verdict> {
    if (this.#limit.pendingCount >= maxWaiting) throw cannotTell("too many wait for the hook");
    try {
      const verdict = parseAnswer(await this.#post(question));
      this.#keep(question, verdict);
      this.#tell("works");
      return verdict;
    } catch (error) {
      const fault = `the hook of --auth-url cannot be used: ${fetchFault(error)}`;
      this.#tell("fails", fault);
      throw cannotTell(fault);
    }
  }

  /** Once each time that it changes: each client's refusal is in the log besides. */
  #tell(state: "works" | "fails", fault = ""): void {
    if (this.#state === state || this.#state === "closed") return;
    if (state === "fails") this.#logger.warn(`${fault}; nobody comes in until it can`);
    else if (this.#state === "fails") this.#logger.info("the hook of --auth-url can be used again");
    this.#state = state;
  }

  async #postAgainIfCut(init: RequestInit): Promise<WholeAnswer> {
    try {
      return await boundedFetch(this.#url, init, maxAnswerBytes);
    } catch (error) {
      if (!wasCut(error)) throw error;
      return boundedFetch(this.#url, init, maxAnswerBytes);
    }
  }

  /** The time begins before its turn: clients do not wait longer because others do. */
  async #post(body: string): Promise<WholeAnswer> {
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), timeoutMs);
    this.#asking.add(controller);
    const headers = { "Content-Type": "application/json", Accept: "application/json" };
    const init = { method: "POST", headers, body, signal: controller.signal };
    try {
      return await this.#limit(() => this.#postAgainIfCut(init));
    } finally {
      clearTimeout(timer);
      this.#asking.delete(controller);
    }
  }
}

/** All that the hook is told of a client: what it decides by, secrets too. */
function describe({ method, rawHeaders, url }: RequestHead, visitor: Visitor, room: string): object {
  return {
    method,
    path: url?.split("?", 1)[0],
    room,
    query: visitor.query,
    headers: Object.fromEntries([...headersByName(rawHeaders)].filter(([name]) => !omittedHeaders.has(name))),
    address: visitor.remoteAddress,
  };
}
