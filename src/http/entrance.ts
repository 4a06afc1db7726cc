import { hostsOfLoopback } from "../access/allowed-hosts.ts";
import { Gate } from "../access/gate.ts";
import { Tickets } from "../access/tickets.ts";
import type { Place } from "../listening/place.ts";
import type { Logger } from "../logger.ts";
import type { Options } from "../options.ts";
import { HandshakeLimit } from "./handshake-limit.ts";
import { WaitingSockets } from "./waiting-sockets.ts";

/** What clients pass on their way in. */
export interface Entrance {
  readonly waiting: WaitingSockets;
  readonly handshakeLimit: HandshakeLimit;
  readonly gate: Gate;
  readonly tickets: Tickets;
}

/** @throws ServerError ERR_AUTH_FILE */
export async function openEntrance(options: Options, listensOn: readonly Place[], logger: Logger): Promise<Entrance> {
  const { maxHandshakes } = options;
  const tickets = new Tickets(options);
  const allowedHosts = options.allowedHosts ?? impliedHosts(options, listensOn);
  const gate = await Gate.open({ ...options, allowedHosts }, tickets, logger);
  return {
    waiting: new WaitingSockets(maxHandshakes),
    handshakeLimit: new HandshakeLimit(maxHandshakes),
    gate,
    tickets,
  };
}

/**
 * The hosts that are answered for though nobody has listed them: a server that only this machine can reach is still reached by
 * pages of the web, if not for its name. Undefined where they are listed, or where others can reach it.
 */
export function impliedHosts({ allowedHosts }: Options, listensOn: readonly Place[]): readonly string[] | undefined {
  return allowedHosts === undefined ? hostsOfLoopback(listensOn.map(hostOf)) : undefined;
}

/** Empty where it is not known, or where there is none. */
function hostOf(place: Place): string {
  return place.kind === "tcp" ? place.address.host : "";
}
