import { hostsOfLoopback } from "../access/allowed-hosts.ts";
import { Gate } from "../access/gate.ts";
import { Places } from "../access/places.ts";
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

export function createEntrance(options: Options, logger: Logger): Entrance {
  const { maxHandshakes } = options;
  const places = new Places(options);
  const gate = new Gate({ ...options, allowedHosts: allowedHosts(options, logger) }, places);
  return { waiting: new WaitingSockets(maxHandshakes), admissions: new Admissions(maxHandshakes), gate, places };
}

/** A server that only this machine can reach is still reached by pages of the web, if not for its name. */
function allowedHosts({ address, allowedHosts: given }: Options, logger: Logger): readonly string[] | undefined {
  const hosts = given === undefined ? hostsOfLoopback([address.host]) : undefined;
  if (hosts === undefined) return given;
  const names = hosts.join(", ");
  logger.info(`only requests for ${names} are answered; behind a proxy, name its host with --allowhost`);
  return hosts;
}
