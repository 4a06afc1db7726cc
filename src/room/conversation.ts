import { ServerError } from "../errors.ts";
import type { Decoder } from "../framing/framing.ts";
import type { JoinRequest } from "../join-request.ts";
import type { ProcessLink } from "../links.ts";
import type { LogFields } from "../logger.ts";
import type { Connection } from "./connection.ts";
import { ErrorLog } from "./error-log.ts";
import { FanOut } from "./fan-out.ts";
import { Inbox } from "./inbox.ts";
import type { RoomContext } from "./room-context.ts";
import { SilenceWatch } from "./silence-watch.ts";

const bufferingHint =
  "the process has written nothing since a client spoke to it; if it should have, it may keep its output in a buffer, " +
  "as programs do without a terminal: use python -u, stdbuf -oL or script(1), or flush after each message";

/** What one process and the clients of its room say to each other, and which side has to wait for the other. */
export class Conversation {
  readonly #context: RoomContext;
  readonly #room: string;
  readonly #connections: ReadonlyMap<number, Connection>;
  readonly #onFault: (fault: string) => void;
  readonly #inbox = new Inbox(() => this.#resumeClients());
  readonly #fanOut: FanOut;
  readonly #decoder: Decoder;
  /** Undefined where clients do not get what the process writes to stderr. */
  readonly #errorDecoder: Decoder | undefined;
  readonly #errorLog: ErrorLog;
  /** Rendered when a client joins, since what is known of it then is not kept. */
  readonly #leaveMessages = new Map<Connection, Buffer>();
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

  /** `onFault` is told why output cannot be read on from; nothing is delivered after it. */
  constructor(
    context: RoomContext,
    room: string,
    connections: ReadonlyMap<number, Connection>,
    onFault: (fault: string) => void,
  ) {
    this.#context = context;
    this.#room = room;
    this.#connections = connections;
    this.#onFault = onFault;
    this.#fanOut = new FanOut(connections, context.wire, context.counters, (reason) => {
      context.counters.drop(reason);
      context.dropLog.note(reason, { room });
    });
    this.#decoder = context.framing.createDecoder(this.#fanOut);
    this.#errorDecoder = context.framing.createErrorDecoder?.(this.#fanOut);
    const { silenceMs, logger } = context;
    this.#errorLog = new ErrorLog(logger, () => this.#fields());
    if (silenceMs !== undefined) {
      this.#silenceWatch = new SilenceWatch(silenceMs, () => logger.info(bufferingHint, this.#fields()));
    }
  }

  /** The process is there: what clients have said so far goes to it. */
  open(process: ProcessLink): void {
    this.#process = process;
    this.#inbox.open(process);
  }

  /** Call it before the connection is among those of the room: what came before it is not for it. */
  join(connection: Connection, request: JoinRequest): void {
    this.#fanOut.flush();
    const { joinMessage, leaveMessage } = this.#context;
    if (joinMessage !== undefined) this.#notify(connection, joinMessage(connection.id, request));
    if (leaveMessage !== undefined) this.#leaveMessages.set(connection, leaveMessage(connection.id, request));
    if (this.#areClientsPaused) connection.pause();
  }

  leave(connection: Connection): void {
    const leaveMessage = this.#leaveMessages.get(connection);
    this.#leaveMessages.delete(connection);
    if (leaveMessage !== undefined) this.#notify(connection, leaveMessage);
    this.caughtUp(connection);
  }

  receive(connection: Connection, payload: Buffer, isBinary: boolean): void {
    const { framing, counters, dropLog, logger } = this.#context;
    if (logger.isTracing) logger.trace(`${payload.length} bytes from client`, this.#fields(connection));
    if (!this.#inbox.isOpen) {
      counters.drop("input_closed");
      return;
    }
    const dropped = framing.encode(connection.id, payload, isBinary, this.#inbox.out);
    if (dropped === undefined) {
      this.#silenceWatch?.start();
      this.#afterAppend();
      return;
    }
    counters.drop(dropped);
    dropLog.note(dropped, this.#fields(connection));
  }

  deliver(chunk: Buffer): void {
    const { logger } = this.#context;
    if (logger.isTracing) logger.trace(`${chunk.length} bytes from process`, { room: this.#room });
    this.#silenceWatch?.stop();
    this.#fanOut.expect(chunk.length);
    this.#decode(() => this.#decoder.push(chunk));
    this.#planTurnEnd();
  }

  /** What the process wrote to stderr. */
  deliverErrors(chunk: Buffer): void {
    this.#errorLog.push(chunk);
    const decoder = this.#errorDecoder;
    if (decoder === undefined) return;
    this.#decode(() => decoder.push(chunk));
    this.#planTurnEnd();
  }

  /** The output is over. */
  end(): void {
    this.closeInput();
    this.#errorLog.end();
    this.#decode(() => this.#decoder.end());
    this.#decode(() => this.#errorDecoder?.end());
    this.#fanOut.flush();
  }

  /** The process reads nothing more. */
  closeInput(): void {
    this.#silenceWatch?.stop();
    const unread = this.#inbox.close();
    if (unread > 0) this.#context.counters.drop("input_closed", unread);
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

  #planTurnEnd(): void {
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
      this.#onFault(error.message);
    }
  }

  #fields(connection?: Connection): LogFields {
    if (connection !== undefined) return { room: this.#room, connection: connection.id };
    return this.#process === undefined ? { room: this.#room } : { room: this.#room, pid: this.#process.pid };
  }

  #notify(connection: Connection, text: Buffer): void {
    if (!this.#inbox.isOpen) return;
    this.#context.framing.encodeNotice(connection.id, text, this.#inbox.out);
    this.#afterAppend();
  }

  #afterAppend(): void {
    this.#inbox.changed();
    if (this.#areClientsPaused || !this.#inbox.isFull) return;
    this.#areClientsPaused = true;
    this.#context.counters.inputPauses += 1;
    for (const connection of this.#connections.values()) connection.pause();
  }

  #resumeClients(): void {
    if (!this.#areClientsPaused) return;
    this.#areClientsPaused = false;
    for (const connection of this.#connections.values()) connection.resume();
  }
}
