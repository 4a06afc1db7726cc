import type { Socket } from "node:net";
import { messageOf } from "../errors.ts";
import type { HostSettings } from "../host/host-settings.ts";
import { LocalHost } from "../host/local-host.ts";
import { RefusalLog } from "../host/refusal-log.ts";
import type { DrainPlan } from "../room/drain-plan.ts";
import { memoryUsage } from "../system/memory-usage.ts";
import { UnreadConnection } from "../system/unread-connection.ts";
import { LagWatch } from "./lag-watch.ts";
import type { FromWorker, LogWishes, Question, Questions, ToWorker, WorkerState } from "./messages.ts";
import { RemotePorts } from "./remote-ports.ts";
import { Reporter } from "./reporter.ts";

const beatMs = 1000;
/** How long a report waits for more to tell, where nobody can be refused for want of it. */
const reportDelayMs = 5;

/** The rooms of one worker process, steered by the supervisor's messages. */
export class Worker {
  readonly #host: LocalHost;
  readonly #channel: Channel;
  readonly #disconnect: () => void;
  readonly #lag = new LagWatch();

  private constructor(host: LocalHost, channel: Channel, disconnect: () => void) {
    this.#host = host;
    this.#channel = channel;
    this.#disconnect = disconnect;
    setInterval(() => this.#beat(), beatMs).unref();
  }

  /**
   * `lifeDescriptor` stays open until this process and its guardian are gone.
   * @throws ServerError where rooms cannot be had.
   */
  static async start(
    { settings, logs }: { readonly settings: HostSettings; readonly logs: LogWishes },
    lifeDescriptor: number,
    send: Channel["send"],
    disconnect: () => void,
  ): Promise<Worker> {
    const { maxConnections, maxPerAddress, maxRooms } = settings.options;
    const isUrgent = [maxConnections, maxPerAddress, maxRooms].some((most) => most !== undefined);
    const channel = new Channel(logs, send, isUrgent ? 0 : reportDelayMs);
    const { reporter, ports } = channel;
    const host = await LocalHost.start(settings, reporter.logger, {
      ports,
      refusals: new RefusalLog(reporter.logger, (...refusal) => reporter.clientRefused(...refusal)),
      guardianDescriptor: lifeDescriptor,
      heap: { usage: memoryUsage, collectGarbage: () => globalThis.gc?.() },
      onClientGone: (connectionId) => channel.clientGone(connectionId),
      onRoomClosed: (room) => channel.roomClosed(room),
    });
    reporter.flush();
    return new Worker(host, channel, disconnect);
  }

  /** With the socket that was handed over with the message, if there was one. */
  onMessage(message: Exclude<ToWorker, { type: "start" }>, socket: Socket | undefined): void {
    switch (message.type) {
      case "admit":
        this.#admit(message, socket);
        break;
      case "ask":
        void this.#answer(message.id, message.question, message.about);
        break;
      case "port":
        this.#channel.ports.onPort(message.id, message.port);
        break;
      case "open":
        this.#host.open();
        break;
      case "retire":
        this.#host.retire(message.plan);
        break;
      case "close":
        this.#host.closeRoom(message.room, message.plan);
        break;
      case "drain":
        void this.#drain(message.plan);
        break;
      case "kill":
        this.#host.kill();
        break;
    }
  }

  /** Takes a client; without its socket the client has gone on the way, or cannot be taken. */
  #admit(message: ToWorker & { type: "admit" }, socket: Socket | undefined): void {
    const { request, answer, isCompressing, headBase64 } = message;
    this.#channel.clientCame(request.room, request.connectionId);
    if (message.isPassed) this.#channel.socketCame(request.connectionId, socket !== undefined);
    if (socket === undefined) {
      this.#channel.clientGone(request.connectionId);
      if (!this.#host.isOpen(request.room)) this.#channel.roomClosed(request.room);
      return;
    }
    // Whoever goes away meanwhile is of no concern.
    socket.on("error", () => undefined);
    this.#host.admit(request, {
      connection: UnreadConnection.ofSocket(socket),
      answer,
      isCompressing,
      head: Buffer.from(headBase64, "base64"),
    });
  }

  async #drain(plan: DrainPlan): Promise<void> {
    await this.#host.drain(plan);
    // What is not written when the channel is closed is lost.
    await this.#channel.reporter.close();
    this.#disconnect();
  }

  async #answer(id: number, question: Question, about: string | null): Promise<void> {
    const answers: { [Name in Question]: () => Promise<Questions[Name]["answer"]> } = {
      find: async () => (await this.#host.find(about ?? "")) ?? null,
      list: () => this.#host.list(),
      report: async () => (await this.#host.report())[0]?.report ?? null,
      state: () => this.#state(),
    };
    try {
      const answer = await answers[question]();
      // First what it is the outcome of: a room that is not in it any more has closed.
      this.#channel.reporter.flush();
      this.#channel.send({ type: "answer", id, answer });
    } catch (error) {
      // The rooms are worth more than an answer, and the supervisor does not wait for it for long.
      this.#channel.reporter.logger.error(`no answer to "${question}": ${messageOf(error)}`);
    }
  }

  async #state(): Promise<WorkerState> {
    const { rooms, counters } = await this.#host.figures();
    const { connections } = this.#channel;
    const figures = {
      rooms: rooms.length,
      connections,
      lagMs: this.#lag.lagMs,
      residentBytes: memoryUsage().rss,
    };
    return { rooms, counters, figures };
  }

  #beat(): void {
    this.#lag.startOver();
    this.#channel.send({ type: "beat", counters: this.#host.counters });
  }
}

/** What goes to the supervisor, and what must be known for it. */
class Channel {
  readonly send: (message: FromWorker, onSent?: () => void) => boolean;
  readonly reporter: Reporter;
  readonly ports: RemotePorts;
  connections = 0;
  /** The last connection that was handed over for each room that is or may be open. */
  readonly #lastConnections = new Map<string, number>();

  constructor(logs: LogWishes, send: Channel["send"], delayMs: number) {
    this.send = send;
    this.reporter = new Reporter(logs, send, delayMs);
    this.ports = new RemotePorts(send);
  }

  clientCame(room: string, connectionId: number): void {
    this.connections += 1;
    this.#lastConnections.set(room, connectionId);
  }

  /** Of a client that has come, where its descriptor was passed: or there was none left for it. */
  socketCame(connectionId: number, isTaken: boolean): void {
    if (isTaken) this.reporter.clientArrived();
    else this.reporter.clientNotTaken(connectionId);
  }

  clientGone(connectionId: number): void {
    this.connections -= 1;
    this.reporter.clientGone(connectionId);
  }

  roomClosed(room: string): void {
    const last = this.#lastConnections.get(room);
    this.#lastConnections.delete(room);
    if (last !== undefined) this.reporter.roomClosed(room, last);
  }
}
