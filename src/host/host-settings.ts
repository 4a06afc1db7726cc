import type { Options } from "../options.ts";
import type { Ports } from "../process/ports.ts";
import type { Heap } from "../system/idle-trim.ts";
import type { RefusalLog } from "./refusal-log.ts";

/** What rooms are made with. Plain data, so that it can be handed to another process. */
export interface HostSettings {
  readonly command: string;
  readonly args: readonly string[];
  /** Variables of the server that each process gets. */
  readonly variables: readonly (readonly [name: string, value: string])[];
  readonly options: Options;
  /** How many processes are kept ready here, of those that `--prewarm` asks for in all. */
  readonly spares: number;
  /** Where the server looks for commands: its own `PATH`. */
  readonly searchPath: string | undefined;
}

/** What the surroundings of rooms may want to know or to give. */
export interface Surroundings {
  /** The one client of a oneshot server has been served. */
  readonly onOneshotEnd?: () => void;
  /** A client is gone, or was refused. */
  readonly onClientGone?: (connectionId: number) => void;
  /** No room of this name is open now, after one was or somebody has asked for it. */
  readonly onRoomClosed?: (room: string) => void;
  /** Where ports for processes come from, if not from this process alone. */
  readonly ports?: Ports;
  /** A descriptor that the guardian of processes keeps open for as long as it runs. */
  readonly guardianDescriptor?: number;
  /** Where refusals are told, if not by these rooms alone. */
  readonly refusals?: RefusalLog;
  /** The heap of this process, where it is the server's own. */
  readonly heap?: Heap;
}
