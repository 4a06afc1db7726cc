import { hostsOfLoopback } from "../access/allowed-hosts.ts";
import { Gate } from "../access/gate.ts";
import { Tickets } from "../access/tickets.ts";
import { isUnix, type Place } from "../listening/place.ts";
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
  const gate = await Gate.open({ ...options, impliedHosts: impliedHosts(options, listensOn) }, tickets, logger);
  return {
    waiting: new WaitingSockets(maxHandshakes),
    handshakeLimit: new HandshakeLimit(maxHandshakes),
    gate,
    tickets,
  };
}

/**
 * The hosts that are answered for over loopback though nobody has listed them: rooms that only this machine can reach are still
 * reached by pages of the web, if not for their name. Undefined where hosts are listed, or where others can reach the rooms. What
 * else there is, as a unix socket or an address for operators, does not matter to these pages.
 */
export function impliedHosts({ allowedHosts }: Options, listensOn: readonly Place[]): readonly string[] | undefined {
  if (allowedHosts !== undefined) return undefined;
  const reachable = listensOn.filter((place) => place.purpose === "rooms" && !isUnix(place));
  return hostsOfLoopback(reachable.map(hostOf));
}

/** Empty where it is not known. */
function hostOf(place: Place): string {
  return place.kind === "tcp" ? place.address.host : "";
}
