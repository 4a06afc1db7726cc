import type { Header } from "../answer-headers.ts";
import type { JoinRequest } from "../join-request.ts";
import type { ProcessLauncher } from "../links.ts";
import type { Logger } from "../logger.ts";
import { createSpawner } from "../process/create-spawner.ts";
import { Guardian } from "../process/guardian.ts";
import { prepareLimits } from "../process/limited-spawner.ts";
import { PortPool } from "../process/ports.ts";
import { Prewarmer } from "../process/prewarmer.ts";
import { Program } from "../process/program.ts";
import type { BaseSpawner, Spawner } from "../process/spawner.ts";
import { createFraming } from "../framing/create-framing.ts";
import { Admission } from "../room/admission.ts";
import { Counters, type CounterValues } from "../room/counters.ts";
import type { DrainPlan } from "../room/drain-plan.ts";
import { DropLog } from "../room/drop-log.ts";
import { Histories } from "../room/histories.ts";
import type { RoomSummary } from "../room/room-summary.ts";
import { Rooms } from "../room/rooms.ts";
import { compileTemplate } from "../room/template.ts";
import { IdleTrim } from "../system/idle-trim.ts";
import { software } from "../version.ts";
import { compressingFormat } from "../websocket/compression.ts";
import { frameFormat } from "../websocket/frame.ts";
import { type Handshake, Websockets } from "../websocket/websockets.ts";
import type { HostSettings, Surroundings } from "./host-settings.ts";
import { RefusalLog } from "./refusal-log.ts";
import { refuse } from "./refusal.ts";
import type { HostFigures, ProcessReport, RoomHost } from "./room-host.ts";

/** How long a process may say nothing before the log explains why that may be. */
const silenceMs = 5000;

/** How long clients may take to say goodbye once all processes are gone. */
const goodbyeMs = 1000;

/** The rooms of this process, with all that they need. */
export class LocalHost implements RoomHost {
  readonly #logger: Logger;
  readonly #surroundings: Surroundings;
  readonly #counters = new Counters();
  readonly #spawner: BaseSpawner;
  readonly #guardian: Guardian;
  readonly #prewarmer: Prewarmer | undefined;
  readonly #rooms: Rooms;
  readonly #websockets: Websockets;
  readonly #headers: readonly Header[];
  readonly #refusals: RefusalLog;
  readonly #idleTrim: IdleTrim;

  private constructor(
    settings: HostSettings,
    limit: (spawner: Spawner) => Spawner,
    logger: Logger,
    surroundings: Surroundings,
  ) {
    this.#logger = logger;
    this.#surroundings = surroundings;
    this.#spawner = createSpawner(logger);
    this.#guardian = new Guardian(this.#spawner, logger, surroundings.guardianDescriptor);
    const program = this.#createProgram(settings, limit);
    // Also without any here: all processes of the server are to find the same.
    const hasSpares = settings.options.prewarm > 0;
    this.#prewarmer = hasSpares ? new Prewarmer(program, settings.spares, logger) : undefined;
    this.#rooms = this.#createRooms(settings, this.#prewarmer ?? program);
    this.#headers = settings.options.headers;
    this.#refusals = surroundings.refusals ?? new RefusalLog(logger);
    this.#idleTrim = new IdleTrim(surroundings.heap);
    this.#websockets = new Websockets(settings.options, logger, (connectionId) => {
      this.#rooms.clientGone();
      surroundings.onClientGone?.(connectionId);
    });
  }

  /** @throws ServerError ERR_COMMAND_NOT_STARTED where there is no /bin/sh for the guardian, or ERR_LIMITS. */
  static async start(settings: HostSettings, logger: Logger, surroundings: Surroundings = {}): Promise<LocalHost> {
    const limit = await prepareLimits(settings.options, settings.searchPath);
    const host = new LocalHost(settings, limit, logger, surroundings);
    try {
      await host.#guardian.start();
    } catch (error) {
      await host.#release();
      throw error;
    }
    return host;
  }

  open(): void {
    this.#prewarmer?.start();
  }

  admit(request: JoinRequest, handshake: Handshake): void {
    this.#rooms
      .join(request, (events) => this.#websockets.open(handshake, events))
      .catch((error: unknown) => {
        const addressOf = (): string => request.remoteAddress;
        refuse(handshake.connection.socket, error, this.#refusals, { headers: this.#headers, addressOf });
        this.#surroundings.onClientGone?.(request.connectionId);
        if (!this.isOpen(request.room)) this.#surroundings.onRoomClosed?.(request.room);
      });
  }

  get counters(): CounterValues {
    return structuredClone(this.#counters);
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
    return { rooms: this.#rooms.figures(), counters: this.counters, workers: new Map(), workersLost: 0 };
  }

  async report(): Promise<readonly ProcessReport[]> {
    return [{ name: "server", pid: process.pid, report: this.#rooms.report() }];
  }

  /** Takes nobody new from now on, and ends the processes that nobody talks to. */
  retire(plan: DrainPlan): void {
    this.#rooms.retire(plan);
    void this.#prewarmer?.drain();
  }

  closeRoom(room: string, plan: DrainPlan): void {
    this.#rooms.close(room, plan);
  }

  async drain(plan?: DrainPlan): Promise<void> {
    await Promise.all([this.#rooms.drain(plan), this.#prewarmer?.drain()]);
    await this.#websockets.closed(goodbyeMs);
    await this.#release();
  }

  kill(): void {
    this.#rooms.kill();
    this.#prewarmer?.kill();
    this.#websockets.abortAll();
  }

  /** The spawner is what takes note of the guardian's end. */
  async #release(): Promise<void> {
    this.#idleTrim.stop();
    await this.#guardian.stop();
    this.#spawner.close();
  }

  #createProgram({ command, args, variables, options }: HostSettings, limit: (spawner: Spawner) => Spawner): Program {
    const { tcp, tcpPorts, stderr, killGraceMs, attachDelayMs, restart } = options;
    const ports = tcp ? (this.#surroundings.ports ?? new PortPool(tcpPorts)) : undefined;
    const passedVariables = new Map(variables);
    const program = {
      command,
      args,
      passedVariables,
      software,
      ports,
      killGraceMs,
      attachDelayMs,
      stderr,
      keepsUnread: restart !== "never",
    };
    return new Program(program, limit(this.#spawner), this.#guardian);
  }

  #createRooms({ options }: HostSettings, launcher: ProcessLauncher): Rooms {
    const { joinMessage, leaveMessage, oneshot, maxClients, lingerMs, restart, tcp, attachDelayMs = 0 } = options;
    const { onRoomClosed, onOneshotEnd } = this.#surroundings;
    const context = {
      framing: createFraming(options),
      wire: options.compress ? compressingFormat : frameFormat,
      launcher,
      limits: options,
      maxClients,
      lingerMs,
      restart,
      joinMessage: joinMessage === undefined ? undefined : compileTemplate(joinMessage, software),
      leaveMessage: leaveMessage === undefined ? undefined : compileTemplate(leaveMessage, software),
      // What is sent over TCP waits in no buffer of the standard streams.
      silenceMs: tcp ? undefined : attachDelayMs + silenceMs,
      histories: Histories.create(options),
      counters: this.#counters,
      logger: this.#logger,
      dropLog: new DropLog(this.#logger),
    };
    return new Rooms(context, {
      admission: new Admission(options),
      ...(oneshot ? { onOneshotEnd: () => onOneshotEnd?.() } : {}),
      ...(onRoomClosed === undefined ? {} : { onRoomClosed }),
    });
  }
}
