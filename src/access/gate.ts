import { RefusedError } from "../errors.ts";
import type { Identity } from "../join-request.ts";
import type { Logger } from "../logger.ts";
import type { Reloadable } from "../reloadable.ts";
import type { RequestHead } from "../request-head.ts";
import { AllowedHosts } from "./allowed-hosts.ts";
import { checkRoom, type Grant } from "./grant.ts";
import { IdentityCheck, type IdentityOptions } from "./identity-check.ts";
import { Origins } from "./origins.ts";
import type { Ticket, Tickets } from "./tickets.ts";
import { Proxies } from "./proxies.ts";
import { withoutSecrets } from "./shown.ts";
import { describeVisitor, plainAddress, type Visitor } from "./visitor.ts";

/** More headers than any client needs; each becomes a variable of a process. */
const maxHeaders = 100;

/** What a request asks for, as far as it matters for who may have it. */
export interface Wish {
  /** The room that a websocket is asked for. */
  readonly room: string;
  /** The query of the request's target, as it came. */
  readonly query: string;
}

/** A visitor who was let in. */
export interface Guest {
  readonly visitor: Visitor;
  /** Null where nobody has asked. */
  readonly identity: Identity | null;
  /** Has to be given back when the guest is gone; undefined where tickets are not counted. */
  readonly ticket: Ticket | undefined;
}

export interface GateOptions extends IdentityOptions {
  /** Undefined where nobody has listed them. */
  readonly allowedHosts: readonly string[] | undefined;
  /** What may be asked for over loopback where nobody has listed hosts; undefined allows all there, too. */
  readonly impliedHosts?: readonly string[] | undefined;
  readonly origins: readonly string[] | undefined;
  readonly sameOrigin: boolean;
  readonly trustedProxies: readonly string[] | undefined;
}

/** Decides who may come in, before anything else is done for them. What costs the most is asked last. */
export class Gate {
  readonly #proxies: Proxies;
  readonly #hosts: AllowedHosts;
  readonly #origins: Origins;
  readonly #tickets: Tickets;
  readonly #identity: IdentityCheck | undefined;
  readonly #tokenParameter: string | undefined;

  private constructor(options: GateOptions, tickets: Tickets, identity: IdentityCheck | undefined) {
    this.#proxies = new Proxies(options.trustedProxies);
    this.#hosts = new AllowedHosts(options.allowedHosts, options.impliedHosts);
    this.#origins = new Origins(options.origins, options.sameOrigin);
    this.#tickets = tickets;
    this.#identity = identity;
    this.#tokenParameter = options.authParam;
  }

  /** @throws ServerError ERR_AUTH_FILE */
  static async open(options: GateOptions, tickets: Tickets, logger: Logger): Promise<Gate> {
    return new Gate(options, tickets, await IdentityCheck.open(options, logger));
  }

  /** What can be read again while the server runs. */
  get reloadables(): readonly Reloadable[] {
    return this.#identity?.reloadables ?? [];
  }

  /** Lets a client go to a room, at once where nobody has to be asked. @throws RefusedError where it may not. */
  admit(request: RequestHead, { room, query }: Wish): Guest | Promise<Guest> {
    const visitor = this.recognize(request, query);
    this.#origins.check(request, visitor);
    const shown = withoutSecrets(visitor, this.#tokenParameter);
    const guest = { visitor: shown, identity: null, ticket: this.#tickets.take(visitor.remoteAddress) };
    return this.#identity === undefined ? guest : identify(guest, this.#identity.grant(request, visitor, room), room);
  }

  /** Who asks, for a host that is asked here. @throws RefusedError where another host is asked. */
  recognize(request: RequestHead, query = ""): Visitor {
    const { headers, headersDistinct, rawHeaders } = request;
    if (rawHeaders.length > 2 * maxHeaders) throw new RefusedError(431, `there are more than ${maxHeaders} headers`);
    if ((headersDistinct["host"]?.length ?? 0) > 1) throw new RefusedError(400, "there must be one Host header");
    const visitor = this.#proxies.believe(describeVisitor(request, query), headers);
    const localAddress = plainAddress(request.socket.localAddress ?? "");
    this.#hosts.check(visitor, visitor.host !== "" || headers.host !== undefined, localAddress);
    return visitor;
  }

  /** Whose request it is, for the log: as far as it is believed, and the connection's own where nothing can be. */
  addressOf(request: RequestHead): string {
    try {
      return this.#proxies.believe(describeVisitor(request, ""), request.headers).remoteAddress;
    } catch {
      // The client is gone, or its proxy tells what cannot be relied on: that may be what it was refused for.
      return plainAddress(request.socket.remoteAddress ?? "");
    }
  }

  /** Lets somebody who was recognized have what is no websocket. @throws RefusedError where they may not. */
  async guard(request: RequestHead, { remoteAddress }: Visitor): Promise<void> {
    await this.#identity?.guard(request, remoteAddress);
  }

  /** Gives up what is under way. */
  async close(): Promise<void> {
    await this.#identity?.close();
  }
}

/** The guest as whoever was asked knows it. @throws RefusedError where it may not come in. */
async function identify(guest: Guest, asked: Promise<Grant>, room: string): Promise<Guest> {
  try {
    const grant = await asked;
    checkRoom(grant, room);
    return { ...guest, identity: grant.identity };
  } catch (error) {
    guest.ticket?.giveBack();
    throw error;
  }
}
