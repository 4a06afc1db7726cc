import type { IncomingMessage } from "node:http";
import { RefusedError } from "../errors.ts";
import { AllowedHosts } from "./allowed-hosts.ts";
import { Origins } from "./origins.ts";
import type { Place, Places } from "./places.ts";
import { Proxies } from "./proxies.ts";
import { describeVisitor, type Visitor } from "./visitor.ts";

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
  /** Has to be given back when the guest is gone; undefined where places are not counted. */
  readonly place: Place | undefined;
}

export interface GateOptions {
  /** Undefined allows all. */
  readonly allowedHosts: readonly string[] | undefined;
  readonly origins: readonly string[] | undefined;
  readonly sameOrigin: boolean;
  readonly trustedProxies: readonly string[] | undefined;
}

/** Decides who may come in, before anything else is done for them. */
export class Gate {
  readonly #proxies: Proxies;
  readonly #hosts: AllowedHosts;
  readonly #origins: Origins;
  readonly #places: Places;

  constructor({ allowedHosts, origins, sameOrigin, trustedProxies }: GateOptions, places: Places) {
    this.#proxies = new Proxies(trustedProxies);
    this.#hosts = new AllowedHosts(allowedHosts);
    this.#origins = new Origins(origins, sameOrigin);
    this.#places = places;
  }

  /** Lets a client go to a room. @throws RefusedError where it may not. */
  async admit(request: IncomingMessage, { query }: Wish): Promise<Guest> {
    const visitor = this.#describe(request, query);
    this.#origins.check(request, visitor);
    const place = this.#places.take(visitor.remoteAddress);
    return { visitor, place };
  }

  /** Lets a request be answered that does not ask for a websocket. @throws RefusedError where it may not. */
  async guard(request: IncomingMessage): Promise<void> {
    this.#describe(request, "");
  }

  /** Who asks, for a host that is asked here. */
  #describe(request: IncomingMessage, query: string): Visitor {
    const { headers, headersDistinct, rawHeaders } = request;
    if (rawHeaders.length > 2 * maxHeaders) throw new RefusedError(431, `there are more than ${maxHeaders} headers`);
    if ((headersDistinct["host"]?.length ?? 0) > 1) throw new RefusedError(400, "there must be one Host header");
    const visitor = this.#proxies.believe(describeVisitor(request, query), headers);
    this.#hosts.check(visitor, visitor.host !== "" || headers.host !== undefined);
    return visitor;
  }
}
