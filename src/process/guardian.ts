import type { Socket } from "node:net";
import type { Logger } from "../logger.ts";
import type { SpawnedProcess, Spawner } from "./spawner.ts";

/**
 * Reads line by line: `+<group>` and `-<group>`, and `?<pipe>` and `=<pipe>` before and after a start. When its own pipe ends
 * it ends the groups that are left, within a second. A process whose start was under way has the pipe as its stdin by then,
 * since until it was executed it held the guardian's pipe open, too. One variable for each keeps every change cheap, however
 * many there are.
 */
const script = `
trap '' HUP INT TERM
while read -r line; do
  case $line in
    +*) eval "g\${line#+}=1" ;;
    -*) unset "g\${line#-}" ;;
    \\?*) eval "p\${line#?}=1" ;;
    =*) unset "p\${line#=}" ;;
  esac
done
all() {
  set | while IFS== read -r name rest; do
    case $name in $1[0-9]*) echo "\${name#?}" ;; esac
  done
}
left=$(all g)
for pipe in $(all p); do
  left="$left $(ls -l /proc/[0-9]*/fd/0 2>/dev/null | sed -n "s#.*/proc/\\([0-9]*\\)/fd/0 -> pipe:.$pipe.\\$#\\1#p")"
done
left=$(echo $left)
[ -n "$left" ] || exit 0
for group in $left; do kill -TERM "-$group" 2>/dev/null; done
for try in 1 2 3 4 5 6 7 8 9 10; do
  some=
  for group in $left; do kill -0 "-$group" 2>/dev/null && some=1; done
  [ -n "$some" ] || exit 0
  sleep 0.1
done
for group in $left; do kill -KILL "-$group" 2>/dev/null; done
`;

const forgetDelayMs = 50;
const maxRestarts = 5;
/** The guardian itself needs about a second where something is left. */
const stopTimeoutMs = 2000;

/** Ends the process groups of this server when the server itself was killed and cannot. */
export class Guardian {
  readonly #spawner: Spawner;
  readonly #logger: Logger;
  readonly #descriptor: number | undefined;
  readonly #groups = new Set<number>();
  /** Pipes that are the stdin of processes whose start is under way. */
  readonly #pipes = new Set<number>();
  #state: "starting" | "running" | "stopped" = "starting";
  #restarts = 0;
  #untold: string[] = [];
  #isFlushPlanned = false;
  #forgetTimer: NodeJS.Timeout | undefined;
  #process: SpawnedProcess | undefined;
  #input: Socket | undefined;

  /** The guardian process keeps `descriptor` open, so that whoever reads its other end sees when all is over. */
  constructor(spawner: Spawner, logger: Logger, descriptor?: number) {
    this.#spawner = spawner;
    this.#logger = logger;
    this.#descriptor = descriptor;
  }

  /** @throws ServerError ERR_COMMAND_NOT_STARTED where there is no shell. */
  async start(): Promise<void> {
    const guardian = await this.#spawner.spawn({
      command: "/bin/sh",
      args: ["-c", script],
      environment: new Map([["PATH", "/usr/bin:/bin"]]),
      stdio: "pipes",
      stderr: "inherit",
      ...(this.#descriptor === undefined ? {} : { stdout: this.#descriptor }),
    });
    guardian.stdout?.unref().resume();
    const input = guardian.stdin?.use();
    input?.unref();
    input?.on("error", (error) => this.#logger.debug(`guardian: ${error.message}`));
    void guardian.exited.then(() => this.#onExit());
    this.#process = guardian;
    this.#input = input;
    this.#state = "running";
    for (const group of this.#groups) this.#tell(`+${group}`);
    for (const pipe of this.#pipes) this.#tell(`?${pipe}`);
    this.#flush();
  }

  /** A process is about to be started whose stdin is this pipe; `started` follows. It will not outlive this server either. */
  expect(pipe: number): void {
    this.#pipes.add(pipe);
    this.#tell(`?${pipe}`);
    this.#flush();
  }

  /** The process runs and is watched, or there is none. */
  started(pipe: number): void {
    this.#pipes.delete(pipe);
    this.#tell(`=${pipe}`);
  }

  /** From now on the group does not outlive this server. */
  watch(group: number): void {
    this.#groups.add(group);
    this.#tell(`+${group}`);
  }

  /** The group is gone. That is told with what comes next: no other group has its number so soon. */
  forget(group: number): void {
    this.#groups.delete(group);
    this.#untold.push(`-${group}`);
    this.#forgetTimer ??= setTimeout(() => this.#flush(), forgetDelayMs).unref();
  }

  /** Lets the guardian go, which ends what is left. Resolves when it is gone. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    this.#flush();
    if (this.#process === undefined) return;
    const { exited } = this.#process;
    this.#input?.end();
    let limit: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => {
      limit = setTimeout(resolve, stopTimeoutMs);
    });
    await Promise.race([exited, tooLong]);
    clearTimeout(limit);
  }

  /** One write tells all that happens in one turn of the event loop. */
  #tell(line: string): void {
    this.#untold.push(line);
    if (this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#isFlushPlanned = false;
    clearTimeout(this.#forgetTimer);
    this.#forgetTimer = undefined;
    if (this.#untold.length === 0) return;
    if (this.#input?.writable) this.#input.write(`${this.#untold.join("\n")}\n`);
    this.#untold = [];
  }

  #onExit(): void {
    this.#process = undefined;
    this.#input = undefined;
    if (this.#state === "stopped" || this.#restarts === maxRestarts) return;
    this.#restarts += 1;
    this.#logger.warn("the guardian of processes ended and is started again");
    this.start().then(
      () => this.#logger.info("the guardian of processes is back"),
      (error: Error) => this.#logger.error(`the guardian of processes is gone: ${error.message}`),
    );
  }
}
