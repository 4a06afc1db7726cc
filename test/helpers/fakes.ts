import { setImmediate as immediate } from "node:timers/promises";
import type { FrameMode } from "../../src/frame-modes.ts";
import { createFraming } from "../../src/framing/create-framing.ts";
import type { JoinRequest } from "../../src/join-request.ts";
import type {
  ClientLink,
  ProcessEvents,
  ProcessExit,
  ProcessLauncher,
  ProcessLink,
  ProcessReservation,
  WireFormat,
} from "../../src/links.ts";
import { type LogFields, type Logger, silentLogger } from "../../src/logger.ts";
import type { ConnectionLimits } from "../../src/room/connection.ts";
import { Counters } from "../../src/room/counters.ts";
import { DropLog } from "../../src/room/drop-log.ts";
import type { Histories } from "../../src/room/histories.ts";
import type { RestartPolicy } from "../../src/room/restart.ts";
import type { RoomContext } from "../../src/room/room-context.ts";
import { frameOptions, framingOptions } from "./framing.ts";

/** A format that can be read in a failing test: `t5:hello`, or `b2:` and two bytes. */
export const fakeWire: WireFormat = {
  maxHeaderBytes: 12,
  writeHeader: (target, offset, isBinary, length) =>
    offset + target.write(`${isBinary ? "b" : "t"}${length}:`, offset, "latin1"),
};

/** {@link fakeWire} that writes what has more than three bytes as `z` and every second of them: `z3:hlo`, say. */
export class FakeCompressingWire implements WireFormat {
  readonly maxHeaderBytes = fakeWire.maxHeaderBytes;
  /** How many messages were to be compressed. */
  compressions = 0;
  readonly compression = {
    minBytes: 4,
    maxBytes: 1000,
    compress: (payload: Buffer): Buffer | undefined => {
      this.compressions += 1;
      if (payload.includes("!")) return undefined;
      const kept = payload.filter((_byte, index) => index % 2 === 0);
      return Buffer.concat([Buffer.from(`z${kept.length}:`), kept]);
    },
  };

  writeHeader(target: Buffer, offset: number, isBinary: boolean, length: number): number {
    return fakeWire.writeHeader(target, offset, isBinary, length);
  }
}

/** The messages in bytes of {@link fakeWire}: text as it is, binary as `hex:` and its digits, compressed as `zip:` and it. */
export function readWire(bytes: Buffer): string[] {
  const messages: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const colon = bytes.indexOf(":", at);
    const end = colon + 1 + Number(bytes.toString("latin1", at + 1, colon));
    if (colon === -1 || !(end <= bytes.length)) throw new Error(`no whole message at ${at} of ${String(bytes)}`);
    const payload = bytes.subarray(colon + 1, end);
    const type = String.fromCharCode(bytes[at] as number);
    if (type === "b") messages.push(`hex:${payload.toString("hex")}`);
    else messages.push(type === "z" ? `zip:${payload.toString()}` : payload.toString());
    at = end;
  }
  return messages;
}

/** Clients may send as much as they like. */
export const noRates = { messageRate: undefined, byteRate: undefined, burstMs: 1000, rateGraceMs: 1000 };

/** A client that takes all it is sent at once, until it is told to be slow. */
export class FakeClientLink implements ClientLink {
  pendingBytes = 0;
  arrivedBytes = 0;
  isSlow = false;
  isPaused = false;
  isCompressing = false;
  closedWith: { readonly code: number; readonly reason: string } | undefined;
  /** What each call handed over: one buffer for `write`, several for `writeAll`. What was taken at once may be overwritten. */
  readonly handedOver: (readonly Buffer[])[] = [];
  /** The same as it was then. */
  readonly writes: Buffer[][] = [];
  #onTaken: (() => void)[] = [];

  /** All messages that were sent so far, taken or not. */
  get messages(): string[] {
    return readWire(Buffer.concat(this.writes.flat()));
  }

  write(bytes: Buffer): void {
    this.writeAll([bytes]);
  }

  writeAll(pieces: readonly Buffer[]): void {
    if (this.closedWith !== undefined) throw new Error("written to a client that was closed");
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (this.isSlow) this.pendingBytes += length;
    else this.arrivedBytes += length;
    this.handedOver.push(pieces);
    // What waits must stay as it is.
    this.writes.push(this.pendingBytes > 0 ? [...pieces] : pieces.map((piece) => Buffer.from(piece)));
  }

  whenTaken(callback: () => void): void {
    this.#onTaken.push(callback);
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  close(code: number, reason: string): void {
    if (this.closedWith !== undefined) throw new Error("closed twice");
    this.closedWith = { code, reason };
  }

  /** The client takes some of what waits, or all of it. */
  take(bytes: number = this.pendingBytes): void {
    this.pendingBytes -= bytes;
    this.arrivedBytes += bytes;
    if (this.pendingBytes > 0) return;
    const callbacks = this.#onTaken;
    this.#onTaken = [];
    for (const callback of callbacks) callback();
  }
}

/** Hands out bytes that are there only for the time of the call. */
function lend(content: string | Buffer, use: (bytes: Buffer) => void): void {
  const bytes = Buffer.from(content);
  use(bytes);
  bytes.fill("!");
}

/** A process that has room for all that is written to it, until it is told to have none. */
export class FakeProcessLink implements ProcessLink {
  readonly pid: number;
  hasRoom = true;
  isPaused = false;
  pendingBytes = 0;
  readonly writes: Buffer[] = [];
  /** What it was asked for, in order. */
  readonly asked: ("terminate" | "kill")[] = [];
  readonly #events: ProcessEvents;

  constructor(events: ProcessEvents, pid = 1) {
    this.#events = events;
    this.pid = pid;
  }

  /** All that was written so far. */
  get input(): string {
    return Buffer.concat(this.writes).toString();
  }

  write(bytes: Buffer): boolean {
    this.writes.push(this.pendingBytes > 0 ? bytes : Buffer.from(bytes));
    return this.hasRoom;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  terminate(): void {
    this.asked.push("terminate");
  }

  kill(): void {
    this.asked.push("kill");
  }

  /** The process writes; clients have it when the turn of the event loop is over. */
  async says(output: string | Buffer): Promise<void> {
    lend(output, (chunk) => this.#events.onChunk(chunk));
    await turnEnd();
  }

  /** The process writes to its stderr. */
  async complains(output: string | Buffer): Promise<void> {
    lend(output, (chunk) => this.#events.onErrorChunk(chunk));
    await turnEnd();
  }

  /** The process reads all that waits for it. */
  reads(): void {
    this.hasRoom = true;
    this.#events.onWritable();
  }

  closesInput(): void {
    this.#events.onInputClosed();
  }

  /** The process has exited, but something of its output may still come. */
  isEnding(): void {
    this.#events.onEnding();
  }

  exits(exit: Partial<ProcessExit> = {}): void {
    this.#events.onEnding();
    this.#events.onEnd({ code: exit.signal === undefined ? 0 : null, signal: null, ...exit });
  }
}

/** For tests of what stands below a room: nobody listens to the process. */
export const noProcessEvents: ProcessEvents = {
  onChunk: () => undefined,
  onErrorChunk: () => undefined,
  onWritable: () => undefined,
  onInputClosed: () => undefined,
  onEnding: () => undefined,
  onEnd: () => undefined,
};

/** A launch that is under way until the test says how it goes on. */
export class FakeLaunch {
  readonly request: JoinRequest | undefined;
  readonly link: FakeProcessLink;
  readonly started: Promise<ProcessLink>;
  #resolve: (link: ProcessLink) => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;

  constructor(request: JoinRequest | undefined, link: FakeProcessLink) {
    this.request = request;
    this.link = link;
    this.started = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  async succeed(): Promise<FakeProcessLink> {
    this.#resolve(this.link);
    await turnEnd();
    return this.link;
  }

  async fail(error: Error): Promise<void> {
    this.#reject(error);
    await turnEnd();
  }
}

/** Starts what the test wants to be started; keeps count of what was reserved and given back. */
export class FakeLauncher implements ProcessLauncher {
  readonly launches: FakeLaunch[] = [];
  reserved = 0;
  released = 0;
  /** What `reserve` rejects with. */
  refusal: Error | undefined;
  /** What `reserve` waits for. */
  gate: Promise<unknown> | undefined;

  /** Reservations that were neither used nor given back. */
  get held(): number {
    return this.reserved - this.released - this.launches.length;
  }

  async reserve(): Promise<ProcessReservation> {
    await this.gate;
    if (this.refusal !== undefined) throw this.refusal;
    this.reserved += 1;
    return {
      launch: (request, events) => this.#launch(request, events),
      release: () => {
        this.released += 1;
      },
    };
  }

  /** The launch that was asked for last, once there are so many. */
  async launch(count: number): Promise<FakeLaunch> {
    await turnEnd();
    const launch = this.launches[count - 1];
    if (launch === undefined || this.launches.length > count) {
      throw new Error(`expected ${count} launches, got ${this.launches.length}`);
    }
    return launch;
  }

  /** The process of the launch that was asked for last, once there are so many; it starts now. */
  async process(count: number): Promise<FakeProcessLink> {
    const launch = await this.launch(count);
    return launch.succeed();
  }

  #launch(request: JoinRequest | undefined, events: ProcessEvents): Promise<ProcessLink> {
    const launch = new FakeLaunch(request, new FakeProcessLink(events, 100 + this.launches.length));
    this.launches.push(launch);
    return launch.started;
  }
}

/** Keeps log lines as `level message`. */
export class FakeLogger implements Logger {
  readonly isDebugging = true;
  readonly isTracing = false;
  readonly lines: string[] = [];
  readonly error = this.#log("error");
  readonly warn = this.#log("warn");
  readonly info = this.#log("info");
  readonly debug = this.#log("debug");
  readonly trace = this.#log("trace");

  #log(level: string): (message: string, fields?: LogFields) => void {
    return (message) => void this.lines.push(`${level} ${message}`);
  }
}

/** What rooms need, with a launcher that a test can steer. */
export interface FakeContext extends RoomContext {
  readonly launcher: FakeLauncher;
}

export interface FakeContextOptions {
  readonly framing?: FrameMode;
  readonly limits?: Partial<ConnectionLimits>;
  readonly logger?: Logger;
  readonly hasNotices?: boolean;
  readonly histories?: Histories;
  readonly maxClients?: number;
  readonly lingerMs?: number;
  readonly restart?: RestartPolicy;
  readonly silenceMs?: number;
}

/** The context of rooms; with notices, these are `+<id>` and `-<id>`. */
export function fakeContext(options: FakeContextOptions = {}): FakeContext {
  const { framing = "lines", limits = {}, logger = silentLogger, hasNotices = false, histories } = options;
  const { maxClients, lingerMs = 0, restart = "never" } = options;
  return {
    framing: createFraming({
      ...frameOptions(framing),
      ...framingOptions({ maxMessageBytes: 1024, maxLineBytes: 64 }),
    }),
    wire: fakeWire,
    launcher: new FakeLauncher(),
    limits: { slow: "pause", clientBufferBytes: 100, slowTimeoutMs: 1000, ...noRates, ...limits },
    maxClients,
    lingerMs,
    restart,
    joinMessage: hasNotices ? (id) => Buffer.from(`+${id}`) : undefined,
    leaveMessage: hasNotices ? (id) => Buffer.from(`-${id}`) : undefined,
    histories,
    silenceMs: options.silenceMs,
    counters: new Counters(),
    logger,
    dropLog: new DropLog(logger),
  };
}

let lastConnectionId = 0;

/** A request of a client that nobody else has the id of. */
export function fakeRequest(room = "room"): JoinRequest {
  return {
    room,
    connectionId: (lastConnectionId += 1),
    basePath: "",
    pathInfo: "",
    query: "",
    url: `/${room}`,
    method: "GET",
    host: "localhost",
    httpVersion: "1.1",
    rawHeaders: [],
    remoteAddress: "127.0.0.1",
    remotePort: 1,
    serverPort: 2,
    scheme: "http",
    identity: null,
    tlsSubject: "",
  };
}

/** Resolves when all that waits for the end of this turn of the event loop has come about. */
export async function turnEnd(): Promise<void> {
  await immediate();
  await immediate();
}
