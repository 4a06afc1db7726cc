import { closeCodes } from "../close-codes.ts";
import { messageOf, RefusedError } from "../errors.ts";
import type { JoinRequest } from "../join-request.ts";
import type { ProcessEvents, ProcessExit, ProcessLink, ProcessReservation } from "../links.ts";
import type { Connection, ConnectionOwner } from "./connection.ts";
import { Conversation } from "./conversation.ts";
import type { ProcessOutcome } from "./counters.ts";
import type { RoomContext } from "./room-context.ts";

/** A name under which clients share a process. It is there from its first client until its last process is gone. */
export class Room implements ConnectionOwner, ProcessEvents {
  readonly name: string;
  /** How many clients have joined so far. */
  joined = 0;
  readonly #context: RoomContext;
  readonly #onEmpty: (room: Room) => void;
  #state: "starting" | "running" | "stopping" | "stopped" = "stopped";
  /** How the process is ended once it runs, where that is decided before. */
  #ending: "terminate" | "kill" = "terminate";
  /** Clients that were let in and whose handshake is under way. */
  #arriving = 0;
  readonly #connections = new Map<number, Connection>();
  /** Clients that joined while the process was ending: they wait for the next one. */
  readonly #newcomers = new Map<Connection, JoinRequest>();
  #reservation: Promise<ProcessReservation> | undefined;
  #process: ProcessLink | undefined;
  #conversation: Conversation;

  /** `onEmpty` is told when nobody is there or on the way, and no process is left. */
  constructor(name: string, context: RoomContext, onEmpty: (room: Room) => void) {
    this.name = name;
    this.#context = context;
    this.#onEmpty = onEmpty;
    this.#conversation = this.#newConversation();
  }

  get connections(): number {
    return this.#connections.size + this.#newcomers.size;
  }

  /**
   * Lets one client come. `join` or `cancel` follows, also where this throws.
   * @throws RefusedError where there is nothing to run the room's process with.
   */
  async admit(): Promise<void> {
    this.#arriving += 1;
    if (this.#state !== "stopped") return;
    try {
      this.#reservation ??= this.#context.launcher.reserve();
      await this.#reservation;
    } catch (error) {
      this.#reservation = undefined;
      throw error;
    }
  }

  /** A client that was let in does not come. */
  cancel(): void {
    this.#arriving -= 1;
    this.#leaveIfEmpty();
  }

  join(connection: Connection, request: JoinRequest): void {
    this.#arriving -= 1;
    this.joined += 1;
    this.#context.logger.debug("client joined", this.#fields(connection));
    if (this.#state === "stopping") {
      this.#newcomers.set(connection, request);
      connection.pause();
      return;
    }
    this.#seat(connection, request);
    if (this.#state === "stopped") this.#start(request);
  }

  leave(connection: Connection): void {
    this.#context.logger.debug("client left", this.#fields(connection));
    if (this.#newcomers.delete(connection)) return;
    this.#connections.delete(connection.id);
    this.#conversation.leave(connection);
    const isInUse = this.#state === "starting" || this.#state === "running";
    if (isInUse && this.#connections.size === 0) this.#terminate();
  }

  receive(connection: Connection, payload: Buffer, isBinary: boolean): void {
    this.#conversation.receive(connection, payload, isBinary);
  }

  fellBehind(connection: Connection): void {
    this.#context.logger.debug("client is behind, the process waits for it", this.#fields(connection));
    this.#conversation.fellBehind(connection);
  }

  caughtUp(connection: Connection): void {
    this.#conversation.caughtUp(connection);
  }

  /** Closes every client; the process is ended in its steps as after any last client. */
  close(code: number, reason: string): void {
    for (const connection of this.#newcomers.keys()) connection.close(code, reason);
    this.#closeConnections(code, reason);
  }

  /** Ends the process at once. */
  kill(): void {
    this.#ending = "kill";
    this.#process?.kill();
  }

  onChunk(chunk: Buffer): void {
    this.#conversation.deliver(chunk);
  }

  onErrorChunk(chunk: Buffer): void {
    this.#conversation.deliverErrors(chunk);
  }

  onWritable(): void {
    this.#conversation.onWritable();
  }

  onInputClosed(): void {
    this.#conversation.closeInput();
  }

  onEnding(): void {
    this.#state = "stopping";
  }

  onEnd(exit: ProcessExit): void {
    this.#conversation.end();
    const { outcome, text } = describe(exit);
    this.#context.counters.processEnded(outcome);
    const wasExpected = outcome === "success" || this.#connections.size === 0;
    this.#context.logger[wasExpected ? "info" : "warn"](text, this.#fields());
    this.#process = undefined;
    const { normal, processFailed } = closeCodes;
    if (outcome === "success" && exit.fault === undefined) this.#closeConnections(normal.code, "");
    else this.#closeConnections(processFailed.code, text);
    this.#stopped();
  }

  #seat(connection: Connection, request: JoinRequest): void {
    this.#conversation.join(connection, request);
    this.#connections.set(connection.id, connection);
  }

  #start(request: JoinRequest): void {
    this.#state = "starting";
    const startedAt = performance.now();
    this.#launch(request).then(
      (process) => this.#onLaunched(process, startedAt),
      (error: unknown) => this.#onLaunchFailed(error),
    );
  }

  async #launch(request: JoinRequest): Promise<ProcessLink> {
    const reservation = await (this.#reservation ?? this.#context.launcher.reserve());
    this.#reservation = undefined;
    return reservation.launch(request, this);
  }

  #onLaunched(process: ProcessLink, startedAt: number): void {
    this.#process = process;
    this.#context.counters.processesStarted += 1;
    this.#context.spawnTime.observe((performance.now() - startedAt) / 1000);
    this.#context.logger.info("process started", this.#fields());
    if (this.#state === "starting") this.#state = "running";
    this.#conversation.open(process);
    if (this.#ending === "kill") process.kill();
    else if (this.#state === "stopping") process.terminate();
  }

  #onLaunchFailed(error: unknown): void {
    this.#reservation = undefined;
    this.#state = "stopping";
    this.#conversation.closeInput();
    this.#context.counters.processEnded("not_started");
    this.#context.logger.error(messageOf(error), this.#fields());
    const { tryAgainLater, processFailed } = closeCodes;
    const closing = error instanceof RefusedError ? tryAgainLater : processFailed;
    this.#closeConnections(closing.code, messageOf(error));
    this.#stopped();
  }

  #onFault(fault: string): void {
    this.#context.logger.warn(fault, this.#fields());
    const isEnding = this.#state === "stopping";
    this.#state = "stopping";
    this.#closeConnections(closeCodes.processFailed.code, fault);
    if (!isEnding) this.#terminate();
  }

  #terminate(): void {
    this.#state = "stopping";
    this.#conversation.finishInput();
    this.#process?.terminate();
  }

  /** No process is left: whoever waits for the next one gets it now. */
  #stopped(): void {
    this.#state = "stopped";
    if (this.#leaveIfEmpty()) return;
    this.#conversation = this.#newConversation();
    const waiting = [...this.#newcomers];
    this.#newcomers.clear();
    for (const [connection, request] of waiting) {
      connection.resume();
      this.#seat(connection, request);
    }
    if (waiting[0] !== undefined) this.#start(waiting[0][1]);
  }

  #leaveIfEmpty(): boolean {
    if (this.#state !== "stopped" || this.#arriving > 0 || this.connections > 0) return false;
    this.#reservation?.then(
      (reservation) => reservation.release(),
      () => undefined,
    );
    this.#reservation = undefined;
    this.#onEmpty(this);
    return true;
  }

  #closeConnections(code: number, reason: string): void {
    for (const connection of this.#connections.values()) connection.close(code, reason);
  }

  #newConversation(): Conversation {
    return new Conversation(this.#context, this.name, this.#connections, (fault) => this.#onFault(fault));
  }

  #fields(connection?: Connection): { room: string; connection?: number; pid?: number } {
    const pid = this.#process === undefined ? {} : { pid: this.#process.pid };
    return connection === undefined
      ? { room: this.name, ...pid }
      : { room: this.name, connection: connection.id, ...pid };
  }
}

function describe(exit: ProcessExit): { outcome: ProcessOutcome; text: string } {
  const { code, signal, fault } = exit;
  if (signal !== null) return { outcome: "signal", text: fault ?? `process ended by ${signal}` };
  return { outcome: code === 0 ? "success" : "failure", text: fault ?? `process exited with code ${code}` };
}
