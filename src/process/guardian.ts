import { messageOf } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { type BaseSpawner, notStarted, type SharedText, type SpawnedProcess } from "./spawner.ts";

/**
 * Waits for the end of its stdin, to which nobody writes, and then reads from descriptor 3 what is left, in one line: for each
 * process `-<group>`, or `p<pipe>`, which means nothing to `kill`, where its start was under way. Such a process has the pipe as
 * its stdin by then, since until it was executed it held the guardian's stdin open, too.
 * Where it cannot fork, perhaps since what is left forks whenever it can, the shell ends, but runs the trap first: so all that
 * needs a fork (a search for such processes, a pause) comes late, and the trap begins with what needs none.
 */
const script = `
trap '' HUP INT TERM
read -r end
read -r left <&3
signal() {
  for group in $2; do kill "-$1" "$group"; done
}
signal_started() {
  case $left in *p*) ;; *) return ;; esac
  found=$(
    for entry in $left; do
      case $entry in
        p*) ls -l /proc/[0-9]*/fd/0 | sed -n "s#.*/proc/\\([0-9]*\\)/fd/0 -> pipe:.\${entry#p}.\\$#-\\1#p" ;;
      esac
    done
  )
  signal "$1" "$found"
  left="$left $found"
}
trap 'signal KILL "$left"; signal_started KILL' EXIT
exec 2>/dev/null
signal TERM "$left"
signal_started TERM
for try in 1 2 3 4 5 6 7 8 9 10; do
  for group in $left; do kill -0 "$group" && sleep 0.1 && continue 2; done
  exit
done
`;

/** A letter or sign, and a number, with spaces behind. */
const entryBytes = 16;
/** Of processes at once. Only memory for those that there are is used. */
const maxEntries = 65_536;
const noEntry = entry("");
/** Behind the last entry, so that the guardian, which may read byte by byte, need not go on through what was never used. */
const end = "\n";

/** One that has lived for longer is followed at once: until then nobody ends what is left. */
const restartDelayMs = 1000;
/** The guardian itself needs about a second where something is left. */
const stopTimeoutMs = 2000;

/** A process that does not outlive this server. */
export interface Guarded {
  /** It is about to be started, with this pipe as its stdin. */
  isStarting(pipe: number): void;

  /** It runs, in this group. */
  runs(group: number): void;

  /** There is none, or none any more. */
  isGone(): void;
}

/** Ends the process groups of this server when the server itself was killed and cannot. */
export class Guardian {
  readonly #spawner: BaseSpawner;
  readonly #logger: Logger;
  readonly #life: readonly number[];
  #entries: SharedText | undefined;
  #takenEntries = 0;
  /** Of those taken, the ones that can be used again. */
  readonly #freeEntries: number[] = [];
  #state: "running" | "stopped" = "running";
  #process: SpawnedProcess | undefined;
  #startedAt = 0;
  #restartTimer: NodeJS.Timeout | undefined;
  #restarting: Promise<void> | undefined;

  /** The guardian process keeps `life`, a descriptor, open, so that whoever reads its other end sees when all is over. */
  constructor(spawner: BaseSpawner, logger: Logger, life?: number) {
    this.#spawner = spawner;
    this.#logger = logger;
    this.#life = life === undefined ? [] : [life];
  }

  /** @throws ServerError ERR_COMMAND_NOT_STARTED where there is no shell, or no place for what it is told. */
  async start(): Promise<void> {
    this.#entries ??= this.#shareEntries();
    const guardian = await this.#spawner.spawn({
      command: "/bin/sh",
      args: ["-c", script],
      environment: new Map([["PATH", "/usr/bin:/bin"]]),
      stdio: "pipes",
      stderr: "inherit",
      inherits: [this.#entries.descriptor, ...this.#life],
    });
    guardian.stdout?.unref().resume();
    void guardian.exited.then(() => this.#onExit());
    this.#process = guardian;
    this.#startedAt = performance.now();
  }

  /**
   * Takes note of a process that is going to be started; tell what becomes of it, and once that it is gone.
   * @throws ServerError ERR_COMMAND_NOT_STARTED where there are too many.
   */
  guard(): Guarded {
    const number = this.#freeEntries.pop() ?? this.#takeEntry();
    const write = (text: string): void => this.#entries?.write(text, number * entryBytes);
    return {
      isStarting: (pipe) => write(entry(`p${pipe}`)),
      runs: (group) => write(entry(`-${group}`)),
      isGone: () => {
        write(noEntry);
        this.#freeEntries.push(number);
      },
    };
  }

  /** Lets the guardian go, also one that stands still, which ends what is left. Resolves when it is gone. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    clearTimeout(this.#restartTimer);
    await this.#restarting;
    const exited = this.#process?.exited;
    this.#process?.stdin?.end();
    this.#process?.signalGroup("SIGCONT");
    let limit: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => {
      limit = setTimeout(resolve, stopTimeoutMs);
    });
    await Promise.race([exited, tooLong]);
    clearTimeout(limit);
    this.#entries?.close();
    this.#entries = undefined;
  }

  #shareEntries(): SharedText {
    try {
      const entries = this.#spawner.shareText(maxEntries * entryBytes);
      entries.write(end, 0);
      return entries;
    } catch (error) {
      throw notStarted("the guardian of processes", error);
    }
  }

  #takeEntry(): number {
    if (this.#takenEntries === maxEntries) throw notStarted("a process", `there are ${maxEntries} of them already`);
    this.#takenEntries += 1;
    if (this.#takenEntries < maxEntries) this.#entries?.write(end, this.#takenEntries * entryBytes);
    return this.#takenEntries - 1;
  }

  #onExit(): void {
    this.#process?.stdin?.destroy();
    this.#process = undefined;
    if (this.#state === "stopped") return;
    this.#logger.warn("the guardian of processes ended and is started again");
    const livedMs = performance.now() - this.#startedAt;
    this.#restartLater(livedMs > restartDelayMs ? 0 : restartDelayMs);
  }

  #restartLater(delayMs = restartDelayMs): void {
    const restart = (): void => {
      this.#restarting = this.#restart();
    };
    this.#restartTimer = setTimeout(restart, delayMs).unref();
  }

  async #restart(): Promise<void> {
    try {
      await this.start();
      this.#logger.info("the guardian of processes is back");
    } catch (error) {
      this.#logger.error(`the guardian of processes cannot be started again: ${messageOf(error)}`);
      if (this.#state === "running") this.#restartLater();
    }
  }
}

function entry(text: string): string {
  return text.padEnd(entryBytes);
}
