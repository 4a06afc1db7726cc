import { closeCodes } from "../close-codes.ts";
import type { JoinRequest } from "../join-request.ts";
import type { ProcessExit, ProcessLink } from "../links.ts";
import type { Connection, ConnectionOwner } from "./connection.ts";
import { Conversation } from "./conversation.ts";
import type { ConversationOwner } from "./conversation-owner.ts";
import { Memory } from "./memory.ts";
import { endOfExit, endOfFailedStart, type ProcessEnd } from "./process-end.ts";
import { type EndEvents, ProcessVoice } from "./process-voice.ts";
import { isRestarted, RestartDelay } from "./restart.ts";
import type { RoomContext } from "./room-context.ts";
import type { RoomLoad } from "./room-report.ts";
import { RoomLog } from "./room-log.ts";
import type { RoomOwner } from "./room-owner.ts";
import { mustWait, type RoomState } from "./room-state.ts";
import { Roster } from "./roster.ts";
import { Starter } from "./starter.ts";

/** A name under which clients share a process. It is there from its first client until its last process is gone. */
export class Room implements ConnectionOwner, ConversationOwner, EndEvents {
  readonly name: string;
  /** How many clients have joined so far. */
  joined = 0;
  readonly #context: RoomContext;
  readonly #owner: RoomOwner;
  #state: RoomState = "stopped";
  /** Ends the states "lingering" and "waiting". */
  #timer: NodeJS.Timeout | undefined;
  /** How the process that is being started is ended once it runs, where that is decided before. */
  #ending: "terminate" | "kill" = "terminate";
  readonly #roster = new Roster();
  readonly #starter: Starter;
  readonly #restartDelay = new RestartDelay();
  #process: ProcessLink | undefined;
  readonly #memory: Memory;
  readonly #log: RoomLog;
  #conversation: Conversation;

  constructor(name: string, context: RoomContext, owner: RoomOwner) {
    this.name = name;
    this.#context = context;
    this.#owner = owner;
    this.#memory = new Memory(context.histories, name);
    this.#log = new RoomLog(context.logger, name);
    this.#starter = new Starter(context);
    this.#conversation = this.#newConversation();
  }

  get connections(): number {
    return this.#roster.size;
  }

  get metadata(): string | undefined {
    return this.#memory.metadata;
  }

  get load(): RoomLoad {
    const { waitingBytes: processBytes } = this.#conversation;
    return { pid: this.#log.pid, processBytes, clientBytes: this.#roster.pendingBytes };
  }

  /**
   * Lets one client come. `join` or `cancel` follows, also where this throws.
   * @throws RefusedError where the room is full, or there is nothing to run its process with.
   */
  async admit(): Promise<void> {
    this.#roster.expect(this.#context.maxClients);
    if (this.#state === "stopped") await this.#starter.reserve();
  }

  /** A client that was let in does not come. */
  cancel(): void {
    this.#roster.arriving -= 1;
    this.#leaveIfEmpty();
  }

  join(connection: Connection, request: JoinRequest): void {
    // The last client may leave by that, and the process end.
    this.#conversation.flush();
    this.#roster.arriving -= 1;
    this.joined += 1;
    this.#log.write("debug", "client joined", connection);
    if (mustWait(this.#state, this.#conversation.isFull, this.#context)) {
      this.#roster.keepWaiting(connection, request);
      return;
    }
    this.#seat(connection, request);
    if (this.#state === "lingering") this.#enter("running");
    else if (this.#state === "stopped") this.#start(request);
  }

  leave(connection: Connection, fault?: string): void {
    this.#log.write("debug", fault === undefined ? "client left" : `client left: ${fault}`, connection);
    if (!this.#roster.delete(connection)) return;
    this.#conversation.leave(connection);
    if (this.#roster.seated.size === 0) this.#onDeserted();
  }

  receive(connection: Connection, payload: Buffer, isBinary: boolean): void {
    this.#conversation.receive(connection, payload, isBinary);
  }

  fellBehind(connection: Connection): void {
    this.#log.write("debug", "client is behind, the process waits for it", connection);
    this.#conversation.fellBehind(connection);
  }

  caughtUp(connection: Connection): void {
    this.#conversation.caughtUp(connection);
  }

  /** Closes every client; the process is ended in its steps, as after the last client. */
  close(code: number, reason: string): void {
    this.#roster.closeNewcomers(code, reason);
    this.#roster.closeSeated(code, reason);
    // Without clients it may live on, or wait for its start to do so.
    if (this.#state === "starting" || this.#state === "lingering") this.#terminate();
  }

  /** Ends the process at once. */
  kill(): void {
    this.#ending = "kill";
    this.#process?.kill();
  }

  onEnding(): void {
    this.#enter("stopping");
    this.#conversation.expectEnd();
  }

  onEnd(exit: ProcessExit): void {
    this.#conversation.end();
    const end = endOfExit(exit, this.#conversation.isUnreadable);
    const wasExpected = end.outcome === "success" || this.#roster.seated.size === 0;
    this.#log.write(wasExpected ? "info" : "warn", end.text);
    this.#process = undefined;
    this.#log.pid = undefined;
    this.#conclude(end, this.#starter.ageMs, exit.unreadBytes ?? 0);
  }

  onFault(fault: string): void {
    this.#log.write("warn", fault);
    const isEnding = this.#state === "stopping";
    this.#enter("stopping");
    if (this.#isRestarted(true)) this.#conversation.expectEnd();
    else this.#roster.closeSeated(closeCodes.processFailed.code, fault);
    if (!isEnding) this.#terminate();
  }

  onProcessCaughtUp(): void {
    if (this.#state !== "running" && this.#state !== "lingering") return;
    this.#seatNewcomers();
    if (this.#state === "lingering" && this.#roster.seated.size > 0) this.#enter("running");
  }

  #enter(state: RoomState): void {
    clearTimeout(this.#timer);
    this.#state = state;
  }

  #seat(connection: Connection, request: JoinRequest): void {
    this.#conversation.join(connection, request);
    this.#roster.seated.set(connection.id, connection);
  }

  #seatNewcomers(): void {
    this.#roster.seatNewcomers((connection, request) => this.#seat(connection, request));
  }

  /** Starts a process; without a request, another one like that before. */
  #start(request?: JoinRequest): void {
    this.#enter("starting");
    this.#ending = "terminate";
    this.#starter.start(new ProcessVoice(this.#conversation, this), request).then(
      (process) => this.#onStarted(process),
      (error: unknown) => this.#onStartFailed(error),
    );
  }

  #onStarted(process: ProcessLink): void {
    this.#process = process;
    this.#log.pid = process.pid;
    this.#log.write("info", "process started");
    const isWanted = this.#state === "starting";
    if (isWanted) this.#enter("running");
    this.#conversation.open(process);
    if (this.#ending === "kill") process.kill();
    else if (!isWanted) process.terminate();
    else this.#seatNewcomers();
    if (this.#roster.seated.size === 0) this.#onDeserted();
  }

  #onStartFailed(error: unknown): void {
    const end = endOfFailedStart(error);
    this.#log.write("error", end.text);
    this.#conclude(end, 0, undefined);
  }

  /** The process has lived so long, and left so many bytes unread where there was one. */
  #conclude({ outcome, closing }: ProcessEnd, livedMs: number, unreadBytes: number | undefined): void {
    this.#context.counters.processesEnded[outcome] += 1;
    if (this.#isRestarted(outcome !== "success")) {
      if (unreadBytes !== undefined) this.#replaceConversation(unreadBytes);
      this.#restart(livedMs);
      return;
    }
    this.#enter("stopping");
    this.#roster.closeSeated(closing.code, closing.reason);
    this.#stopped();
  }

  /** The last client has left. */
  #onDeserted(): void {
    const { lingerMs } = this.#owner;
    if (this.#state === "waiting") {
      this.#stopped();
    } else if (this.#state === "running" && lingerMs > 0) {
      this.#enter("lingering");
      this.#timer = setTimeout(() => this.#terminate(), lingerMs);
    } else if (this.#state === "running" || (this.#state === "starting" && lingerMs === 0)) {
      this.#terminate();
    }
  }

  #terminate(): void {
    this.#enter("stopping");
    this.#conversation.finishInput();
    this.#process?.terminate();
  }

  /** Whether the clients stay and get a new process instead of this one. */
  #isRestarted(hasFailed: boolean): boolean {
    return this.#roster.seated.size > 0 && isRestarted(this.#context.restart, hasFailed);
  }

  #replaceConversation(unreadBytes: number): void {
    const previous = this.#conversation;
    this.#memory.endProcess();
    this.#conversation = this.#newConversation();
    this.#conversation.succeed(previous, unreadBytes);
    this.#seatNewcomers();
  }

  #restart(livedMs: number): void {
    this.#enter("waiting");
    const delayMs = this.#restartDelay.after(livedMs);
    this.#log.write("info", `starting a new process in ${delayMs / 1000} s`);
    this.#timer = setTimeout(() => this.#start(), delayMs);
  }

  /** No process is left: whoever waits for the next one gets it now. */
  #stopped(): void {
    this.#enter("stopped");
    this.#conversation.discard();
    this.#memory.endProcess();
    if (this.#leaveIfEmpty()) return;
    this.#conversation = this.#newConversation();
    const { firstRequest } = this.#roster;
    this.#seatNewcomers();
    if (firstRequest !== undefined) this.#start(firstRequest);
  }

  #leaveIfEmpty(): boolean {
    if (this.#state !== "stopped" || this.#roster.arriving > 0 || this.#roster.size > 0) return false;
    this.#starter.release();
    this.#memory.close();
    this.#owner.onEmpty(this.name);
    return true;
  }

  #newConversation(): Conversation {
    return new Conversation(this.#context, this.#log, this.#roster.seated, this, this.#memory);
  }
}
