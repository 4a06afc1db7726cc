import type { JoinRequest } from "../join-request.ts";
import type { Logger } from "../logger.ts";
import type { Options } from "../options.ts";
import { createSpawner } from "../process/create-spawner.ts";
import { Guardian } from "../process/guardian.ts";
import { PortPool, type Ports } from "../process/ports.ts";
import { Program } from "../process/program.ts";
import type { Spawner } from "../process/spawner.ts";
import { createFraming, type FramingName } from "../framing/create-framing.ts";
import { Counters, type CounterValues } from "../room/counters.ts";
import { DropLog } from "../room/drop-log.ts";
import type { RoomSummary } from "../room/room-summary.ts";
import { Rooms } from "../room/rooms.ts";
import { compileTemplate } from "../room/template.ts";
import { software } from "../version.ts";
import { frameFormat } from "../websocket/frame.ts";
import { type Handshake, Websockets } from "../websocket/websockets.ts";
import { refuse } from "./refusal.ts";
import type { HostFigures, RoomHost } from "./room-host.ts";

/** How long clients may take to say goodbye once all processes are gone. */
const goodbyeMs = 1000;

/** What rooms are made with. Plain data, so that it can be handed to another process. */
export interface HostSettings {
  readonly command: string;
  readonly args: readonly string[];
  /** Variables of the server that each process gets. */
  readonly variables: readonly (readonly [name: string, value: string])[];
  readonly options: Options;
}

/** What the surroundings of rooms may want to know or to give. */
export interface Surroundings {
  /** The one client of a oneshot server has been served. */
  readonly onOneshotEnd?: () => void;
  /** A client is gone, or was refused. */
  readonly onClientGone?: () => void;
  /** No room of this name is open now, after one was or somebody has asked for it. */
  readonly onRoomClosed?: (room: string) => void;
  /** Where ports for processes come from, if not from this process alone. */
  readonly ports?: Ports;
  /** A descriptor that the guardian of processes keeps open for as long as it runs. */
  readonly guardianDescriptor?: number;
}

/** The rooms of this process, with all that they need. */
export class LocalHost implements RoomHost {
  readonly #logger: Logger;
  readonly #surroundings: Surroundings;
  readonly #counters = new Counters();
  readonly #spawner: Spawner;
  readonly #guardian: Guardian;
  readonly #rooms: Rooms;
  readonly #websockets: Websockets;

  private constructor(settings: HostSettings, logger: Logger, surroundings: Surroundings) {
    this.#logger = logger;
    this.#surroundings = surroundings;
    this.#spawner = createSpawner(logger);
    this.#guardian = new Guardian(this.#spawner, logger, surroundings.guardianDescriptor);
    this.#rooms = this.#createRooms(settings, this.#createProgram(settings));
    this.#websockets = new Websockets(settings.options, () => surroundings.onClientGone?.());
  }

  /** @throws ServerError ERR_COMMAND_NOT_STARTED where there is no /bin/sh for the guardian. */
  static async start(settings: HostSettings, logger: Logger, surroundings: Surroundings = {}): Promise<LocalHost> {
    const host = new LocalHost(settings, logger, surroundings);
    try {
      await host.#guardian.start();
    } catch (error) {
      await host.#release();
      throw error;
    }
    return host;
  }

  admit(request: JoinRequest, handshake: Handshake): void {
    this.#rooms
      .join(request, (events) => this.#websockets.open(handshake, events))
      .catch((error: unknown) => {
        refuse(handshake.socket, error, this.#logger);
        this.#surroundings.onClientGone?.();
        if (!this.isOpen(request.room)) this.#surroundings.onRoomClosed?.(request.room);
      });
  }

  get counters(): CounterValues {
    return this.#counters.values();
  }

  isOpen(room: string): boolean {
    return this.#rooms.find(room) !== undefined;
  }

  async find(room: string): Promise<RoomSummary | undefined> {
    return this.#rooms.find(room);
  }

  async list(): Promise<readonly RoomSummary[]> {
    return this.#rooms.list();
  }

  async figures(): Promise<HostFigures> {
    return { rooms: this.#rooms.list(), counters: this.counters, workers: new Map(), workersLost: 0 };
  }

  async drain(): Promise<void> {
    await this.#rooms.drain();
    await this.#websockets.closed(goodbyeMs);
    await this.#release();
  }

  kill(): void {
    this.#rooms.kill();
    this.#websockets.abortAll();
  }

  /** The spawner is what takes note of the guardian's end. */
  async #release(): Promise<void> {
    await this.#guardian.stop();
    this.#spawner.close();
  }

  #createProgram({ command, args, variables, options }: HostSettings): Program {
    const { tcp, tcpPorts, killGraceMs, attachDelayMs } = options;
    const ports = tcp ? (this.#surroundings.ports ?? new PortPool(tcpPorts)) : undefined;
    const passedVariables = new Map(variables);
    const program = { command, args, passedVariables, software, ports, killGraceMs, attachDelayMs };
    return new Program(program, this.#spawner, this.#guardian);
  }

  #createRooms({ options }: HostSettings, program: Program): Rooms {
    const { joinMessage, leaveMessage, oneshot } = options;
    const { onRoomClosed, onOneshotEnd } = this.#surroundings;
    const context = {
      framing: createFraming(framingName(options), options),
      wire: frameFormat,
      launcher: program,
      limits: options,
      joinMessage: joinMessage === undefined ? undefined : compileTemplate(joinMessage, software),
      leaveMessage: leaveMessage === undefined ? undefined : compileTemplate(leaveMessage, software),
      counters: this.#counters,
      logger: this.#logger,
      dropLog: new DropLog(this.#logger),
    };
    return new Rooms(context, {
      ...(oneshot ? { onOneshotEnd: () => onOneshotEnd?.() } : {}),
      ...(onRoomClosed === undefined ? {} : { onRoomClosed }),
    });
  }
}

function framingName({ binary, frame }: Options): FramingName {
  if (binary) return "raw";
  if (frame === undefined) return "lines";
  return frame === "binary" ? "gwsocket" : "json";
}
