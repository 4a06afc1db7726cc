import type { DropReason } from "../drop-reasons.ts";
import { ErrorLog } from "../error-log.ts";
import { ServerError } from "../errors.ts";
import type { Decoder } from "../framing/framing.ts";
import type { JoinRequest } from "../join-request.ts";
import type { ProcessLink } from "../links.ts";
import type { Connection } from "./connection.ts";
import type { ConversationOwner } from "./conversation-owner.ts";
import { FanOut, type FanOutEvents } from "./fan-out.ts";
import { Inbox } from "./inbox.ts";
import type { Memory } from "./memory.ts";
import type { RoomContext } from "./room-context.ts";
import type { RoomLog } from "./room-log.ts";
import { SilenceWatch } from "./silence-watch.ts";

/** What a process is told of one client. */
interface Notices {
  /** Kept only where the next process has to hear it again. */
  readonly join: Buffer | undefined;
  readonly leave: Buffer | undefined;
}

/** What one process and the clients of its room say to each other, and which side has to wait for the other. */
export class Conversation implements FanOutEvents {
  readonly #context: RoomContext;
  readonly #log: RoomLog;
  readonly #connections: ReadonlyMap<number, Connection>;
  readonly #owner: ConversationOwner;
  readonly #memory: Memory;
  readonly #isKept: boolean;
  readonly #inbox: Inbox;
  readonly #fanOut: FanOut;
  readonly #decoder: Decoder;
  /** Undefined where clients do not get what the process writes to stderr. */
  readonly #errorDecoder: Decoder | undefined;
  readonly #errorLog: ErrorLog;
  /** Rendered when a client joins, since what is known of it then is not kept. In the order of joining. */
  readonly #notices = new Map<Connection, Notices>();
  readonly #behind = new Set<Connection>();
  /** Undefined where it is not expected that the process has a buffer. */
  readonly #silenceWatch: SilenceWatch | undefined;
  #process: ProcessLink | undefined;
  #areClientsPaused = false;
  #isUnreadable = false;
  #isTurnEndPlanned = false;
  readonly #flushAtTurnEnd = (): void => {
    this.#isTurnEndPlanned = false;
    this.#fanOut.flush();
  };

  constructor(
    context: RoomContext,
    log: RoomLog,
    connections: ReadonlyMap<number, Connection>,
    owner: ConversationOwner,
    memory: Memory,
  ) {
    this.#context = context;
    this.#log = log;
    this.#connections = connections;
    this.#owner = owner;
    this.#memory = memory;
    this.#isKept = context.restart !== "never";
    this.#inbox = new Inbox(() => this.#onRoomAgain(), this.#isKept);
    const { wire, counters, histories, silenceMs, logger } = context;
    this.#fanOut = new FanOut(connections, wire, counters, this, memory.history, histories?.kept);
    this.#decoder = context.framing.createDecoder(this.#fanOut);
    this.#errorDecoder = context.framing.createErrorDecoder?.(this.#fanOut);
    this.#errorLog = new ErrorLog(logger, () => log.fields());
    if (silenceMs !== undefined) {
      this.#silenceWatch = new SilenceWatch(silenceMs, (hint) => log.write("info", hint));
    }
  }

  /** Whether clients have said more than should wait for the process. */
  get isFull(): boolean {
    return this.#inbox.isFull;
  }

  get waitingBytes(): number {
    return this.#inbox.waitingBytes;
  }

  /** Whether the process has written something that its output cannot be read on from. */
  get isUnreadable(): boolean {
    return this.#isUnreadable;
  }

  /**
   * Takes over from a conversation whose process is gone: its clients are announced anew, and what that process has not
   * read goes on; it left so many bytes of what was handed over.
   */
  succeed(previous: Conversation, unreadBytes: number): void {
    this.#areClientsPaused = previous.#areClientsPaused;
    for (const [connection, notices] of previous.#notices) {
      this.#notices.set(connection, notices);
      if (notices.join !== undefined) this.#notify(connection, notices.join);
    }
    this.#inbox.append(previous.#inbox.take(unreadBytes));
    for (const connection of previous.#behind) this.#behind.add(connection);
    if (this.#inbox.isFull) this.#pauseClients();
    else this.#resumeClients();
  }

  /** The process is there: what clients have said so far goes to it. */
  open(process: ProcessLink): void {
    this.#process = process;
    if (this.#behind.size > 0) process.pause();
    this.#inbox.open(process);
  }

  /** Sends what is gathered, which is not for who comes next. That may close clients that are behind. */
  flush(): void {
    this.#fanOut.flush();
  }

  /** Call it before the connection is among those of the room. */
  join(connection: Connection, request: JoinRequest): void {
    const { history } = this.#memory;
    if (history !== undefined && history.messages > 0) connection.replay(history.pieces, history.messages);
    const { joinMessage, leaveMessage } = this.#context;
    const join = joinMessage?.(connection.id, request);
    const leave = leaveMessage?.(connection.id, request);
    if (join !== undefined) this.#notify(connection, join);
    const kept = this.#isKept ? join : undefined;
    if (kept !== undefined || leave !== undefined) this.#notices.set(connection, { join: kept, leave });
    if (this.#areClientsPaused) connection.pause();
  }

  leave(connection: Connection): void {
    const leaveMessage = this.#notices.get(connection)?.leave;
    this.#notices.delete(connection);
    if (leaveMessage !== undefined) this.#notify(connection, leaveMessage);
    this.caughtUp(connection);
  }

  receive(connection: Connection, payload: Buffer, isBinary: boolean): void {
    const { framing, counters, logger } = this.#context;
    if (logger.isTracing) this.#log.write("trace", `${payload.length} bytes from client`, connection);
    // Who waits to join is not read, but what it has sent still comes once it is gone.
    if (!this.#inbox.isOpen || !this.#connections.has(connection.id)) {
      counters.dropped.input_closed += 1;
      return;
    }
    const { out } = this.#inbox;
    const start = out.length;
    const dropped = framing.encoder.encode(connection.id, payload, isBinary, out);
    if (dropped !== undefined) this.#noteDrop(dropped, connection);
    // Nothing of it is for the process, as of no raw bytes.
    if (out.length === start) return;
    this.#silenceWatch?.start();
    this.#inbox.changed();
    if (this.#inbox.isFull) this.#pauseClients();
  }

  onDrop(reason: DropReason): void {
    this.#noteDrop(reason);
  }

  onMetadata(text: string): void {
    this.#memory.metadata = text;
  }

  deliver(chunk: Buffer): void {
    if (this.#context.logger.isTracing) this.#log.write("trace", `${chunk.length} bytes from process`);
    this.#take(this.#decoder, chunk);
  }

  /** What the process wrote to stderr. */
  deliverErrors(chunk: Buffer): void {
    this.#errorLog.push(chunk);
    if (this.#errorDecoder !== undefined) this.#take(this.#errorDecoder, chunk);
  }

  /** The output is over. */
  end(): void {
    this.closeInput();
    this.#errorLog.end();
    this.#decode(() => this.#decoder.end());
    this.#decode(() => this.#errorDecoder?.end());
    this.#fanOut.flush();
  }

  /** The process reads nothing more: what clients say is for the next one, where there may be one for them. */
  closeInput(): void {
    this.#silenceWatch?.stop();
    if (this.#isKept) this.#inbox.hold();
    else this.discard();
  }

  /** The process has exited or will have to, so nothing more is handed to it that another one could read. */
  expectEnd(): void {
    if (this.#isKept) this.#inbox.hold();
  }

  /** What waits reaches nobody. */
  discard(): void {
    // Clients are read again meanwhile, and may be counted, too.
    const unread = this.#inbox.close();
    this.#context.counters.dropped.input_closed += unread;
  }

  onWritable(): void {
    this.#inbox.onWritable();
  }

  /** Nothing will be said to the process any more: it gets what waits, and then the end of its input. */
  finishInput(): void {
    this.#silenceWatch?.stop();
    this.#inbox.finish();
  }

  fellBehind(connection: Connection): void {
    this.#behind.add(connection);
    if (this.#behind.size > 1) return;
    this.#context.counters.outputPauses += 1;
    this.#process?.pause();
  }

  caughtUp(connection: Connection): void {
    if (this.#behind.delete(connection) && this.#behind.size === 0) this.#process?.resume();
  }

  #take(decoder: Decoder, chunk: Buffer): void {
    this.#fanOut.expect(chunk.length);
    this.#decode(() => decoder.push(chunk));
    this.#silenceWatch?.heard(decoder.hasLine);
    if (this.#isTurnEndPlanned) return;
    this.#isTurnEndPlanned = true;
    setImmediate(this.#flushAtTurnEnd);
  }

  #decode(step: () => void): void {
    if (this.#isUnreadable) return;
    try {
      step();
    } catch (error) {
      if (!(error instanceof ServerError) || error.code !== "ERR_OUTPUT") throw error;
      this.#isUnreadable = true;
      this.#fanOut.flush();
      this.#owner.onFault(error.message);
    }
  }

  #noteDrop(reason: DropReason, connection?: Connection): void {
    this.#context.counters.dropped[reason] += 1;
    this.#context.dropLog.note(reason, this.#log.fields(connection));
  }

  #notify(connection: Connection, text: Buffer): void {
    if (!this.#inbox.reachesProcess) return;
    const { out } = this.#inbox;
    const start = out.length;
    this.#context.framing.encoder.encodeNotice(connection.id, text, out);
    if (out.length === start) return;
    this.#inbox.noticed(start);
    if (this.#inbox.isFull) this.#pauseClients();
  }

  #pauseClients(): void {
    if (this.#areClientsPaused) return;
    this.#areClientsPaused = true;
    this.#context.counters.inputPauses += 1;
    for (const connection of this.#connections.values()) connection.pause();
  }

  #onRoomAgain(): void {
    this.#resumeClients();
    this.#owner.onProcessCaughtUp();
  }

  #resumeClients(): void {
    if (!this.#areClientsPaused) return;
    this.#areClientsPaused = false;
    for (const connection of this.#connections.values()) connection.resume();
  }
}
