import { hostsOfLoopback } from "../access/allowed-hosts.ts";
import { Gate } from "../access/gate.ts";
import { Places } from "../access/places.ts";
import type { Place } from "../listening/place.ts";
import type { Logger } from "../logger.ts";
import type { Options } from "../options.ts";
import { Admissions } from "./admissions.ts";
import { WaitingSockets } from "./waiting-sockets.ts";

/** What clients pass on their way in. */
export interface Entrance {
  readonly waiting: WaitingSockets;
  readonly admissions: Admissions;
  readonly gate: Gate;
  readonly places: Places;
}

export function createEntrance(options: Options, listensOn: readonly Place[], logger: Logger): Entrance {
  const { maxHandshakes } = options;
  const places = new Places(options);
  const gate = new Gate({ ...options, allowedHosts: allowedHosts(options, listensOn, logger) }, places);
  return { waiting: new WaitingSockets(maxHandshakes), admissions: new Admissions(maxHandshakes), gate, places };
}

/** A server that only this machine can reach is still reached by pages of the web, if not for its name. */
function allowedHosts(
  { allowedHosts: given }: Options,
  listensOn: readonly Place[],
  logger: Logger,
): readonly string[] | undefined {
  const hosts = given === undefined ? hostsOfLoopback(listensOn.map(hostOf)) : undefined;
  if (hosts === undefined) return given;
  const names = hosts.join(", ");
  logger.info(`only requests for ${names} are answered; behind a proxy, name its host with --allowhost`);
  return hosts;
}

/** Empty where it is not known, or where there is none. */
function hostOf(place: Place): string {
  return place.kind === "tcp" ? place.address.host : "";
}
