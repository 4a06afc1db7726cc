import type { JoinRequest } from "./join-request.ts";

/** Bytes to one client. A websocket is one; a fake in a unit test another. */
export interface ClientLink {
  /** Whether the client reads what {@link WireCompression} makes. */
  readonly isCompressing: boolean;

  /** Bytes of memory in this process that hold what the client does not take; 0 where nothing waits. */
  readonly pendingBytes: number;

  /** Bytes that have arrived at the client's side so far; it grows also while one large write is under way. */
  readonly arrivedBytes: number;

  /**
   * Hands over bytes that the room's {@link WireFormat} has encoded; they leave in the order of the calls. They are lent
   * where nothing is pending behind the call.
   */
  write(bytes: Buffer): void;

  /** Hands over several pieces as one, so that they leave in one system call where that is possible. */
  writeAll(pieces: readonly Buffer[]): void;

  /** Calls back when all that waits now has been taken, or the link is closed. */
  whenTaken(callback: () => void): void;

  /** Stops reading from the client; what was read already may still come out. */
  pause(): void;
  resume(): void;

  /** Says goodbye behind what waits, for as long as the client takes it. `onClose` follows. */
  close(code: number, reason: string): void;
}

/** What a {@link ClientLink} tells its connection. After `onClose` nothing more comes. */
export interface ClientEvents {
  /** The id of the connection. */
  readonly id: number;

  /** One whole message. The payload is lent: copy what outlives the call. */
  onMessage(payload: Buffer, isBinary: boolean): void;

  /** A ping or pong with so many bytes, which the link has dealt with: it counts against what the client may send. */
  onControl(bytes: number): void;

  /** The client is gone, for this reason where it has done something wrong. */
  onClose(fault?: string): void;
}

/** How a client link wants its messages: the bytes are the same for all clients, so they are made once. */
export interface WireFormat {
  /** The most bytes that the header of a message takes. */
  readonly maxHeaderBytes: number;

  /** Writes the header of a message of `length` bytes and returns the offset behind it. */
  writeHeader(target: Buffer, offset: number, isBinary: boolean, length: number): number;

  /** Absent where no client reads compressed messages. */
  readonly compression?: WireCompression;
}

/** How messages become shorter for those clients that read them so. */
export interface WireCompression {
  /** Which lengths of messages are worth it. */
  readonly minBytes: number;
  readonly maxBytes: number;

  /** A whole message, header included; undefined where it does not become shorter. */
  compress(payload: Buffer, isBinary: boolean): Buffer | undefined;
}

/** How a process ended: by itself with a code, or by a signal. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;

  /** Why it had to end where code and signal do not tell, for the clients and the log. */
  readonly fault?: string;

  /** Of the bytes that were written to it, how many at the end it has not read; absent where nobody can tell. */
  readonly unreadBytes?: number;
}

/** Bytes to and from one process, by pipes or TCP. */
export interface ProcessLink {
  readonly pid: number;

  /** Bytes that wait in this process because the other one does not take them. */
  readonly pendingBytes: number;

  /**
   * Hands over bytes, which are lent where nothing is pending behind the call; false says that more than the bound waits
   * now, and that `onWritable` follows.
   */
  write(bytes: Buffer): boolean;

  /** Stops reading the output that is for clients; what was read already may still come out. */
  pause(): void;
  resume(): void;

  /** Starts the ladder of steps that ends the process and its group. `onEnd` follows. */
  terminate(): void;

  /** Ends the process and its group at once. `onEnd` follows. */
  kill(): void;
}

/** What a {@link ProcessLink} tells its room, first events after the link itself was handed over. */
export interface ProcessEvents {
  /** Output, cut anywhere. The buffer is lent: copy what outlives the call. */
  onChunk(chunk: Buffer): void;

  /** What the process wrote to stderr, cut anywhere and lent, where that does not go to the server's. */
  onErrorChunk(chunk: Buffer): void;

  /** What waited for the process's input has been taken. */
  onWritable(): void;

  /** Nothing more can be written to the process. Its output may go on. */
  onInputClosed(): void;

  /** The process has exited or is about to be ended: nobody new may talk to it. Output may still come. */
  onEnding(): void;

  /** The process and its group are gone and all of its output was handed out. Comes once, as the last. */
  onEnd(exit: ProcessExit): void;
}

/** Starts processes for rooms. */
export interface ProcessLauncher {
  /**
   * Takes what one process needs before its first client is let in, such as a port.
   * @throws RefusedError where there is nothing left.
   */
  reserve(): Promise<ProcessReservation>;
}

/** What one process needs. Use it once, or give it back. */
export interface ProcessReservation {
  /**
   * The process is told of the request, where there is one.
   * @throws ServerError ERR_COMMAND_NOT_STARTED; the reservation is given back then.
   */
  launch(request: JoinRequest | undefined, events: ProcessEvents): Promise<ProcessLink>;
  release(): void;
}
