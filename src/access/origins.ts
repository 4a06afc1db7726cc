import { RefusedError } from "../errors.ts";
import type { RequestHead } from "../request-head.ts";
import { canonicalOrigin } from "../web-origin.ts";
import type { Visitor } from "./visitor.ts";

/** From which pages websockets may come. */
export class Origins {
  readonly #known: ReadonlySet<string | undefined>;
  readonly #hasSame: boolean;
  readonly #isOn: boolean;

  /** `list` is undefined where it says nothing; `hasSame` lets in pages of the host that they ask. */
  constructor(list: readonly string[] | undefined, hasSame: boolean) {
    this.#known = new Set(list?.map(canonicalOrigin));
    this.#hasSame = hasSame;
    this.#isOn = list !== undefined || hasSame;
  }

  /** Whoever does not send an origin is no browser, and could send any. @throws RefusedError 403 */
  check(request: RequestHead, { scheme, host }: Visitor): void {
    if (!this.#isOn) return;
    const sent = request.headersDistinct["origin"];
    if (sent === undefined) return;
    const [text = ""] = sent;
    const origin = sent.length === 1 ? canonicalOrigin(text) : undefined;
    if (origin === undefined) throw new RefusedError(403, "the Origin of the request is none that could be let in");
    if (this.#known.has(origin) || (this.#hasSame && origin === canonicalOrigin(`${scheme}://${host}`))) return;
    throw new RefusedError(403, `pages from ${text} may not connect to this server`);
  }
}
