import { connect, type Socket } from "node:net";
import type { Closing } from "../client/client.ts";
import { Dialer } from "../client/dialer.ts";
import type { Random } from "../observed/random.ts";
import type { Violations } from "../observed/violations.ts";
import { silentLimitMs } from "./limits.ts";
import { type RoomKind, roomKinds } from "./room-kinds.ts";
import { SoakClient } from "./soak-client.ts";

const maxClients = 50;
const maxStrangers = 10;
/** A goodbye may wait for all that stands before it, and for a room that is held up by somebody slow. */
const leaveLimitMs = 15_000;

/** The clients of a soak, and all that is counted of them. */
export class Mix {
  readonly random: Random;
  readonly clients = new Set<SoakClient>();
  joined = 0;
  opening = 0;
  linesOfTheGone = 0;
  /** How often connections have ended with each code. */
  readonly closings = new Map<string, number>();
  readonly #host: string;
  readonly #port: number;
  readonly #dialer: Dialer;
  readonly #violations: Violations;
  readonly #strangers = new Set<Socket>();

  constructor(host: string, port: number, random: Random, violations: Violations) {
    this.#host = host;
    this.#port = port;
    this.#dialer = new Dialer(host, port);
    this.random = random;
    this.#violations = violations;
  }

  get lines(): number {
    let lines = this.linesOfTheGone;
    for (const { received } of this.clients) lines += received.lines;
    return lines;
  }

  /** Those that are there and do as they should, in rooms of some kinds. */
  wellBehaved(talks: readonly RoomKind["talk"][] = ["numbers", "echo", "none", "deaf"]): SoakClient[] {
    return [...this.clients].filter(
      ({ conduct, isStalled, kind }) => conduct === "well-behaved" && !isStalled && talks.includes(kind.talk),
    );
  }

  join(): void {
    if (this.clients.size + this.opening >= maxClients) return;
    const kind = this.random.pickWeighted(roomKinds);
    this.joinRoom(kind, `${kind.name}-${this.random.between(1, kind.rooms)}`);
  }

  joinRoom(kind: RoomKind, room: string): void {
    this.joined += 1;
    const client = new SoakClient(`c${this.joined}`, room, kind);
    this.opening += 1;
    this.#open(client)
      .catch((error: unknown) => this.#violations.add(`${client.name} could not join ${room}: ${String(error)}`))
      .finally(() => {
        this.opening -= 1;
      });
  }

  /** Somebody who connects and never says what for, or not to its end. */
  knock(): void {
    if (this.#strangers.size >= maxStrangers) return;
    const socket = connect(this.#port, this.#host);
    this.#strangers.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => this.#strangers.delete(socket));
    if (this.random.next() < 0.5) socket.write("GET /numbers-1 HTTP/1.1\r\nHost: half\r\nUpgr");
    socket.setTimeout(this.random.between(100, 3000), () => socket.destroy());
  }

  /** Looks after what was begun: whose time has come wakes, and whom the server must have closed is not there. */
  patrol(): void {
    for (const client of this.clients) {
      client.wakeWhenDue();
      const { conduct, conductMs, kind } = client;
      if (conduct === "leaving" && conductMs > leaveLimitMs) {
        if (kind.talk !== "deaf") this.#overstays(client, leaveLimitMs);
        client.destroy();
      } else if (conduct === "mute" && conductMs > silentLimitMs) {
        if (!canPause(kind)) this.#overstays(client, silentLimitMs);
        client.destroy();
      }
    }
  }

  /** Whether everybody has heard all that was said, once each in a room that talks has said one thing more. */
  get isSettled(): boolean {
    return this.opening === 0 && this.unsettled.length === 0;
  }

  /** What is still missing, in words. */
  get unsettled(): string[] {
    return this.wellBehaved(["echo", "numbers"]).flatMap((client) => {
      const speakers = this.wellBehaved([client.kind.talk]).filter(({ room }) => room === client.room);
      return speakers.flatMap((speaker) => missing(client, speaker));
    });
  }

  wakeAll(): void {
    for (const client of this.clients) client.wake();
  }

  /** Everybody goes, each as is right for its room. */
  leaveAll(): void {
    for (const client of this.clients) {
      if (client.kind.talk === "deaf") client.destroy();
      else if (client.conduct !== "leaving") client.leave();
    }
    for (const socket of this.#strangers) socket.destroy();
  }

  async #open(client: SoakClient): Promise<void> {
    const connection = this.#dialer.dial(`/${client.room}`);
    connection.onMessage = (bytes, start, end) => client.received.take(bytes, start, end);
    connection.onClose = (closing) => this.#onClose(client, closing);
    await connection.opened;
    if (!connection.isOpen) return;
    client.open(connection);
    this.clients.add(client);
  }

  #overstays({ name, room, conduct }: SoakClient, limitMs: number): void {
    this.#violations.add(`${name} in ${room} is ${conduct}, and after ${limitMs} ms the server has not let it go`);
  }

  #onClose(client: SoakClient, closing: Closing): void {
    const how = String(closing.code ?? "cut");
    this.closings.set(how, (this.closings.get(how) ?? 0) + 1);
    this.clients.delete(client);
    this.linesOfTheGone += client.received.lines;
    const wrong = client.judge(closing);
    if (wrong !== undefined) this.#violations.add(`${client.name} in ${client.room}: ${wrong}`);
  }
}

/**
 * Whether rooms of the kind are not read from now and then, because their process does not read. Nobody can tell who is
 * silent then, so the server gives everybody their time anew.
 */
function canPause({ talk }: RoomKind): boolean {
  return talk === "deaf" || talk === "echo";
}

/** What of one client's words, or of the lines that the program said to it, another one has not heard. */
function missing(listener: SoakClient, speaker: SoakClient): string[] {
  const [source, said] =
    listener.kind.talk === "echo" ? [speaker.name, speaker.said] : ["p", speaker.received.lastOf("p")];
  const heard = listener.received.lastOf(source);
  return heard >= said ? [] : [`${listener.name} in ${listener.room} heard ${source} up to ${heard}, not ${said}`];
}
