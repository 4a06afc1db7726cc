import type { IncomingMessage } from "node:http";
import type { Logger } from "../logger.ts";
import type { Reloadable } from "../reloadable.ts";
import { checkRoom } from "./grant.ts";
import { IdentityCheck, type IdentityOptions } from "./identity-check.ts";
import { withoutSecrets } from "./shown.ts";
import { describeVisitor, type Visitor } from "./visitor.ts";

/** What a request asks for, as far as it matters for who may have it. */
export interface Wish {
  /** The room that a websocket is asked for. */
  readonly room: string;
  /** The query of the request's target, as it came. */
  readonly query: string;
}

/** Decides who may come in, before anything else is done for them. */
export class Gate {
  readonly #identity: IdentityCheck | undefined;
  readonly #options: IdentityOptions;

  private constructor(options: IdentityOptions, identity: IdentityCheck | undefined) {
    this.#options = options;
    this.#identity = identity;
  }

  /** @throws ServerError ERR_AUTH_FILE */
  static async open(options: IdentityOptions, logger: Logger): Promise<Gate> {
    return new Gate(options, await IdentityCheck.open(options, logger));
  }

  /** What can be read again while the server runs. */
  get reloadables(): readonly Reloadable[] {
    return this.#identity?.reloadables ?? [];
  }

  /** Lets a client go to a room. @throws RefusedError where it may not. */
  async admit(request: IncomingMessage, { room, query }: Wish): Promise<Visitor> {
    const visitor = describeVisitor(request, query);
    const grant = await this.#identity?.grant(request, visitor, room);
    if (grant !== undefined) checkRoom(grant, room);
    return { ...withoutSecrets(visitor, this.#options.authParam), identity: grant?.identity ?? null };
  }

  /** Lets a plain request be answered. @throws RefusedError where it may not. */
  async guard(request: IncomingMessage): Promise<void> {
    await this.#identity?.guard(request, describeVisitor(request, "").remoteAddress);
  }

  /** Gives up what is under way. */
  async close(): Promise<void> {
    await this.#identity?.close();
  }
}
