import { hostsOfLoopback } from "../access/allowed-hosts.ts";
import { Gate } from "../access/gate.ts";
import { Places } from "../access/places.ts";
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

export function createEntrance(options: Options): Entrance {
  const { maxHandshakes } = options;
  const places = new Places(options);
  const gate = new Gate({ ...options, allowedHosts: options.allowedHosts ?? impliedHosts(options) }, places);
  return { waiting: new WaitingSockets(maxHandshakes), admissions: new Admissions(maxHandshakes), gate, places };
}

/**
 * The hosts that are answered for though nobody has listed them: a server that only this machine can reach is still reached by
 * pages of the web, if not for its name. Undefined where they are listed, or where others can reach it.
 */
export function impliedHosts({ address, allowedHosts }: Options): readonly string[] | undefined {
  return allowedHosts === undefined ? hostsOfLoopback([address.host]) : undefined;
}
