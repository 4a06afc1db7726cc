import { eventually } from "../observed/eventually.ts";
import { allowedGrowth, checkHoldings } from "../observed/growth.ts";
import { type Holdings, ObservedServer } from "../observed/observed-server.ts";
import type { Violations } from "../observed/violations.ts";
import type { Children } from "../server/children.ts";
import { commandLine, residentBytes, serverProcesses } from "../server/proc.ts";
import { RunningServer } from "../server/running-server.ts";
import { ourTarget, type Target } from "../server/target.ts";
import type { Configuration } from "./configurations.ts";
import { Innocent } from "./innocent.ts";

const hearLimitMs = 10_000;
const leaveLimitMs = 15_000;
/** What is in use while requests come is far less, since all that may wait is bounded. */
const maxResidentGrowth = 200 * 1024 * 1024;
const markName = "FUZZ_MARK";

/** What no input may make a server say: those are faults of its own. */
const faults = /uncaught|unhandled|internal error|request failed|handshake failed|^\s+at \S.*:\d+|(?:^|\s)\w*Error:/i;

/** A server that is fuzzed, with a well-behaved client in it, and all that must stay true of both. */
export class FuzzedServer {
  readonly #configuration: Configuration;
  readonly #violations: Violations;
  readonly #observed: ObservedServer;
  readonly #innocent: Innocent;
  readonly #server: RunningServer;
  #before: Holdings | undefined;

  private constructor(server: RunningServer, configuration: Configuration, mark: string, violations: Violations) {
    this.#server = server;
    this.#configuration = configuration;
    this.#violations = violations;
    this.#observed = new ObservedServer(server, mark, configuration.prefix);
    this.#innocent = new Innocent(server.host, server.port, configuration, violations);
  }

  /** `command` is that of another server than ours. @throws where it does not start. */
  static async start(
    configuration: Configuration,
    children: Children,
    violations: Violations,
    command?: string,
  ): Promise<FuzzedServer> {
    const value = `${process.pid}-${configuration.name}-${performance.now()}`;
    const target: Target = command === undefined ? ourTarget : { name: "other", command };
    const server = await RunningServer.start(
      target,
      { options: [...configuration.options, "--passenv", `PATH,${markName}`], program: ["cat"] },
      children,
      {
        environment: { [markName]: value },
        hasProbe: true,
        onLogLine: (line) => {
          if (faults.test(line)) violations.add(`the log says: ${line.slice(0, 500)}`);
        },
      },
    );
    const fuzzed = new FuzzedServer(server, configuration, `${markName}=${value}`, violations);
    await fuzzed.#innocent.start();
    return fuzzed;
  }

  get host(): string {
    return this.#server.host;
  }

  get port(): number {
    return this.#server.port;
  }

  get isRunning(): boolean {
    return this.#server.isRunning;
  }

  /** Takes what is held now for what must not be exceeded later. */
  async noteHoldings(): Promise<void> {
    await this.#settle();
    // Buffers that the first collection finds to be garbage are let go of behind it.
    await this.#observed.holdings();
    this.#before = await this.#observed.holdings();
  }

  /** Checks what can be seen while it is being fuzzed. */
  async check(): Promise<void> {
    if (this.#hasEnded()) return;
    try {
      const health = await this.#observed.fetch("/health");
      if (health !== '{"status":"ok"}') this.#violations.add(`/health says ${health}`);
    } catch (error) {
      this.#violations.add(`/health: ${String(error)}`);
    }
    if (!this.isRunning || this.#before === undefined) return;
    const resident = residentBytes(this.#server.pid);
    if (resident > this.#before.residentBytes + maxResidentGrowth) {
      this.#violations.add(`${resident} bytes of memory are resident`);
    }
  }

  /** Checks that all is as before once nobody is left, and that it stops in order. */
  async finish(): Promise<void> {
    await this.check();
    if (!this.isRunning) return;
    await this.#settle();
    if (!this.isRunning) return;
    if (this.#before !== undefined) await this.#checkHoldings(this.#before);
    this.#innocent.leave();
    const guardians = this.#observed.guardians();
    const isQuiet = await eventually(leaveLimitMs, () => this.#observed.wrapped().length === 0);
    if (!isQuiet) this.#violations.add(`processes are left: ${this.#observed.wrapped().join(" ")}`);
    const exitCode = await this.#server.stop();
    if (exitCode !== 0) this.#violations.add(`the server ended with ${exitCode ?? "a signal"}: ${this.#server.log}`);
    const isNobodyLeft = (): boolean =>
      this.#observed.wrapped().length === 0 && guardians.every((guardian) => commandLine(guardian) === "");
    if (!(await eventually(leaveLimitMs, isNobodyLeft))) this.#violations.add("processes have outlived the server");
  }

  /** Ends it without looking at it any more. */
  async discard(): Promise<void> {
    this.#innocent.leave();
    await this.#server.stop();
  }

  /** What allocators have not given back is allowed for each process: they grow for some minutes, each for itself. */
  async #checkHoldings(before: Holdings): Promise<void> {
    const processes = serverProcesses(this.#server.pid).length;
    const allowed = { ...allowedGrowth, residentBytes: processes * allowedGrowth.residentBytes };
    await checkHoldings(this.#observed, before, this.#violations, allowed);
  }

  #hasEnded(): boolean {
    if (this.isRunning) return false;
    this.#violations.add(`the server has ended: ${this.#server.log}`);
    return true;
  }

  /** Waits until the innocent client has heard all it said, and is the only one whose room is open, or the server ends. */
  async #settle(): Promise<void> {
    const hasHeard = await eventually(hearLimitMs, () => this.#innocent.hasHeardAll || !this.isRunning);
    if (this.#hasEnded()) return;
    if (!hasHeard) this.#violations.add(`the innocent client does not hear itself: ${this.#innocent.progress}`);
    const isAlone = await eventually(leaveLimitMs, async () => (await this.#observed.openRooms()).length === 1);
    if (!isAlone) {
      const rooms = (await this.#observed.openRooms()).join(" ");
      this.#violations.add(`rooms of ${this.#configuration.name} are open without a client: ${rooms}`);
    }
  }
}
