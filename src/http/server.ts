import { closeCodes } from "../close-codes.ts";
import { ServerError } from "../errors.ts";
import { checkSockets, type PassedSocket, placesOf, type ServerAddress } from "../listening/place.ts";
import type { Logger } from "../logger.ts";
import {
  checkArgs,
  checkCommand,
  checkEnvironment,
  completeOptions,
  type Environment,
  type Options,
} from "../options.ts";
import { Reloads } from "../reloadable.ts";
import { drainAtOnce } from "../room/drain-plan.ts";
import { assemble, type Parts, type ServerPlan } from "./assemble.ts";
import { checkLogger } from "./check-logger.ts";
import { impliedHosts } from "./entrance.ts";
import { logStatus } from "./status-report.ts";
import { checkStopOptions, Patience, type StopOptions } from "./stopping.ts";

/** What concerns the command line, or is said when the server is to stop. */
type CommandLineOnly = "log" | "verbosity" | "compat" | "config" | "printConfig" | "drainWaitMs" | "drainTimeMs";

/**
 * What a server is made with: the command, and options under the names of the table in options/table.ts. Without `workers`,
 * rooms live in the process that makes the server.
 */
export type ServerOptions = Partial<Omit<Options, CommandLineOnly>> & {
  readonly command: string;
  readonly args?: readonly string[];
  /** Where variables for the processes are taken from (see `passedVariables`): `process.env`, say. Empty by default. */
  readonly environment?: Environment;
  /** Sockets that listen already, and take the place of the default address. */
  readonly sockets?: readonly PassedSocket[];
};

/** Wraps one command and serves it to rooms. Two of them fit in one process. */
export class Server {
  readonly #plan: ServerPlan;
  readonly #logger: Logger;
  readonly #reloads: Reloads;
  #parts: Parts | undefined;
  #starting: Promise<readonly ServerAddress[]> | undefined;
  #stopping: Promise<void> | undefined;
  /** Aborted when a start that is under way is no longer wanted. */
  readonly #unwanted = new AbortController();
  readonly #patience = new Patience();
  #onStopped: () => void = () => undefined;

  /** Resolves when the server has stopped, be it by `stop`, or by itself after its one client (`oneshot`). */
  readonly stopped: Promise<void> = new Promise((resolve) => {
    this.#onStopped = resolve;
  });

  /** @throws ServerError ERR_USAGE */
  constructor(options: ServerOptions, logger: Logger) {
    // From JavaScript, there may be none.
    const { command, args = [], environment = {}, sockets = [], ...rest } = Object(options) as ServerOptions;
    const complete = {
      command: checkCommand(command),
      args: checkArgs(args),
      environment: checkEnvironment(environment),
      options: completeOptions({ workers: 0, ...rest }),
    };
    this.#plan = { ...complete, places: placesOf(complete.options, checkSockets(sockets)) };
    this.#logger = checkLogger(logger);
    this.#reloads = new Reloads(logger);
  }

  /** The hosts that are answered for since nobody has listed any; undefined where all are, or where they are listed. */
  get impliedHosts(): readonly string[] | undefined {
    return impliedHosts(this.#plan.options, this.#plan.places);
  }

  /** How many worker processes have the rooms, once the server has started; 0 where they live in this one. */
  get workers(): number {
    return this.#parts?.workers ?? 0;
  }

  /** Whether it is to stop, or has stopped. */
  get isStopping(): boolean {
    return this.#stopping !== undefined;
  }

  /**
   * Starts to listen and returns where, addresses for clients first. Clients are let in from then on.
   * @throws ServerError ERR_LISTEN, ERR_TLS, ERR_STATIC_DIR, ERR_AUTH_FILE, ERR_LIMITS, ERR_WORKER or ERR_COMMAND_NOT_STARTED
   * (there is no /bin/sh); ERR_USAGE where it was asked to start or stop before.
   */
  async start(): Promise<readonly ServerAddress[]> {
    if (this.#starting !== undefined || this.isStopping) {
      throw new ServerError("ERR_USAGE", "a server can be started once, and not after stop");
    }
    this.#starting = this.#start();
    return this.#starting;
  }

  async #start(): Promise<readonly ServerAddress[]> {
    const parts = await assemble(this.#plan, this.#reloads, this.#logger, {
      isStopping: () => this.isStopping,
      onOneshotEnd: () => this.#onOneshotEnd(),
      unwanted: this.#unwanted.signal,
    });
    this.#parts = parts;
    try {
      await parts.listeners.open(this.#plan.places);
    } catch (error) {
      await parts.host.drain();
      await parts.entrance.gate.close();
      this.#parts = undefined;
      throw error;
    }
    parts.host.open();
    return parts.listeners.addresses;
  }

  /**
   * Takes nobody new, closes all clients, ends all processes in their steps and then stops listening. Meanwhile
   * `/health` says so. How that is done is for the first call to say.
   * @throws ServerError ERR_USAGE where a time is out of range.
   */
  async stop(how: StopOptions = {}): Promise<void> {
    checkStopOptions(how);
    this.#stopping ??= this.#stop(how);
    return this.#stopping;
  }

  /**
   * Ends all processes and connections at once, also workers that are being started. A `stop` under way is then done soon;
   * without one, the server goes on.
   */
  kill(): void {
    this.#unwanted.abort();
    if (this.isStopping) this.#patience.lose();
    this.#parts?.host.kill();
  }

  /** Reads again what options name and what can change meanwhile; the log says what. What cannot be read stays as it was. */
  async reload(): Promise<void> {
    await this.#reloads.run();
  }

  /** Writes rooms, clients, queues and memory into the log. */
  async logStatus(): Promise<void> {
    if (this.#parts !== undefined) logStatus(await this.#parts.host.report(), this.#logger);
  }

  async #stop({ waitMs = 0, spreadMs = 0, code = closeCodes.goingAway.code }: StopOptions): Promise<void> {
    // A start under way comes to its end first, be it a good one or not: whoever called it is told.
    await this.#starting?.catch(() => undefined);
    const parts = this.#parts;
    if (parts !== undefined) {
      if (waitMs > 0) this.#logger.info(`going on for ${waitMs / 1000} s, while /health says that the server is going`);
      await this.#patience.wait(waitMs);
      const drained = parts.host.drain({ ...drainAtOnce, code, spreadMs });
      if (this.#patience.isLost) parts.host.kill();
      await drained;
      await parts.entrance.handshakeLimit.close();
      await parts.listeners.close();
      await parts.entrance.gate.close();
    }
    this.#onStopped();
  }

  /** Nobody comes any more, so there is nothing to wait for. */
  #onOneshotEnd(): void {
    this.#patience.end();
    void this.stop();
  }
}
