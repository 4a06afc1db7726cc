import { cgiVariables, type JoinRequest } from "../join-request.ts";
import type { ProcessEvents, ProcessLauncher, ProcessLink, ProcessReservation } from "../links.ts";
import type { Guardian } from "./guardian.ts";
import type { LinkOptions } from "./link-options.ts";
import type { Ports } from "./ports.ts";
import type { Spawner, SpawnRequest } from "./spawner.ts";
import { StdioLink } from "./stdio-link.ts";
import { TcpLink } from "./tcp-link.ts";

/** Where the server's variables that each process gets say nothing else: Python is not to hold back its output. */
const defaultVariables = new Map([["PYTHONUNBUFFERED", "1"]]);

export interface ProgramOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Variables of the server that each process gets. */
  readonly passedVariables: ReadonlyMap<string, string>;
  /** Name and version of this server, for `SERVER_SOFTWARE`. */
  readonly software: string;
  /** Talk over TCP, on one of these ports, instead of stdin and stdout. */
  readonly ports: Ports | undefined;
  /** To our own, line by line into the log, or to the clients as well. */
  readonly stderr: "inherit" | "log" | "clients";
  readonly killGraceMs: number;
  readonly attachDelayMs: number | undefined;
  /** Whether what a process does not read may go to the next one. */
  readonly keepsUnread: boolean;
}

/** The wrapped command: starts one process of it after the other. */
export class Program implements ProcessLauncher {
  readonly #options: ProgramOptions;
  readonly #spawner: Spawner;
  readonly #guardian: Guardian;
  readonly #variables: ReadonlyMap<string, string>;

  constructor(options: ProgramOptions, spawner: Spawner, guardian: Guardian) {
    this.#options = options;
    this.#spawner = spawner;
    this.#guardian = guardian;
    this.#variables = new Map([...defaultVariables, ...options.passedVariables]);
  }

  async reserve(): Promise<ProcessReservation> {
    const { ports } = this.#options;
    if (ports === undefined) {
      return { launch: (request, events) => this.#launchStdio(request, events), release: () => undefined };
    }
    const port = await ports.take();
    return {
      launch: (request, events) => this.#launchTcp(ports, port, request, events),
      release: () => ports.release(port),
    };
  }

  async #launchStdio(request: JoinRequest | undefined, events: ProcessEvents): Promise<ProcessLink> {
    const options = await this.#spawn("pipes", this.#environment(request), events, () => undefined);
    const { stdin, stdout } = options.spawned;
    if (stdin === undefined || stdout === undefined) throw new Error("a process without pipes");
    return new StdioLink(stdin, stdout, options);
  }

  async #launchTcp(
    ports: Ports,
    port: number,
    request: JoinRequest | undefined,
    events: ProcessEvents,
  ): Promise<ProcessLink> {
    try {
      const environment = this.#environment(request).set("PORT", String(port));
      return new TcpLink(port, await this.#spawn("none", environment, events, () => ports.release(port)));
    } catch (error) {
      ports.release(port);
      throw error;
    }
  }

  /** Without a request, as where a process is started ahead, nothing of one. */
  #environment(request: JoinRequest | undefined): Map<string, string> {
    if (request === undefined) return new Map(this.#variables);
    return cgiVariables(request, this.#options.software, this.#variables);
  }

  async #spawn(
    stdio: SpawnRequest["stdio"],
    environment: ReadonlyMap<string, string>,
    events: ProcessEvents,
    onGone: () => void,
  ): Promise<LinkOptions> {
    const { command, args, killGraceMs, attachDelayMs, keepsUnread } = this.#options;
    const stderr = this.#options.stderr === "inherit" ? "inherit" : "pipe";
    const guarded = this.#guardian.guard();
    const onPipe = (inode: number): void => guarded.isStarting(inode);
    try {
      const spawned = await this.#spawner.spawn({ command, args, environment, stdio, stderr, keepsUnread, onPipe });
      guarded.runs(spawned.pid);
      return {
        spawned,
        events,
        killGraceMs,
        attachDelayMs,
        keepsUnread,
        pausesErrors: this.#options.stderr === "clients",
        onGone: () => {
          guarded.isGone();
          onGone();
        },
      };
    } catch (error) {
      guarded.isGone();
      throw error;
    }
  }
}
